/** `kafka-run-class`: the tools by the names of Apache Kafka's Java classes, for scripts that call those. */
import type { Tool } from './declaration.ts'
import { runTool } from './main.ts'

/** By the class. `kafka.admin.ConfigCommand` is an older name. */
export const CLASSES: Readonly<Record<string, string>> = {
  'kafka.Kafka': 'kafka-server-start',
  'kafka.admin.ConfigCommand': 'kafka-configs',
  'kafka.tools.StorageTool': 'kafka-storage',
  'org.apache.kafka.shell.MetadataShell': 'kafka-metadata-shell',
  'org.apache.kafka.tools.AclCommand': 'kafka-acls',
  'org.apache.kafka.tools.BrokerApiVersionsCommand': 'kafka-broker-api-versions',
  'org.apache.kafka.tools.ClientMetricsCommand': 'kafka-client-metrics',
  'org.apache.kafka.tools.ClusterTool': 'kafka-cluster',
  'org.apache.kafka.tools.ConfigCommand': 'kafka-configs',
  'org.apache.kafka.tools.ConsoleProducer': 'kafka-console-producer',
  'org.apache.kafka.tools.ConsumerPerformance': 'kafka-consumer-perf-test',
  'org.apache.kafka.tools.DelegationTokenCommand': 'kafka-delegation-tokens',
  'org.apache.kafka.tools.DeleteRecordsCommand': 'kafka-delete-records',
  'org.apache.kafka.tools.DumpLogSegments': 'kafka-dump-log',
  'org.apache.kafka.tools.EndToEndLatency': 'kafka-e2e-latency',
  'org.apache.kafka.tools.FeatureCommand': 'kafka-features',
  'org.apache.kafka.tools.GetOffsetShell': 'kafka-get-offsets',
  'org.apache.kafka.tools.GroupsCommand': 'kafka-groups',
  'org.apache.kafka.tools.JmxTool': 'kafka-jmx',
  'org.apache.kafka.tools.LeaderElectionCommand': 'kafka-leader-election',
  'org.apache.kafka.tools.LogDirsCommand': 'kafka-log-dirs',
  'org.apache.kafka.tools.MetadataQuorumCommand': 'kafka-metadata-quorum',
  'org.apache.kafka.tools.ProducerPerformance': 'kafka-producer-perf-test',
  'org.apache.kafka.tools.ReplicaVerificationTool': 'kafka-replica-verification',
  'org.apache.kafka.tools.ShareConsumerPerformance': 'kafka-share-consumer-perf-test',
  'org.apache.kafka.tools.StreamsResetter': 'kafka-streams-application-reset',
  'org.apache.kafka.tools.TopicCommand': 'kafka-topics',
  'org.apache.kafka.tools.TransactionsCommand': 'kafka-transactions',
  'org.apache.kafka.tools.VerifiableConsumer': 'kafka-verifiable-consumer',
  'org.apache.kafka.tools.VerifiableProducer': 'kafka-verifiable-producer',
  'org.apache.kafka.tools.VerifiableShareConsumer': 'kafka-verifiable-share-consumer',
  'org.apache.kafka.tools.consumer.ConsoleConsumer': 'kafka-console-consumer',
  'org.apache.kafka.tools.consumer.ConsoleShareConsumer': 'kafka-console-share-consumer',
  'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand': 'kafka-consumer-groups',
  'org.apache.kafka.tools.consumer.group.ShareGroupCommand': 'kafka-share-groups',
  'org.apache.kafka.tools.reassign.ReassignPartitionsCommand': 'kafka-reassign-partitions',
  'org.apache.kafka.tools.streams.StreamsGroupCommand': 'kafka-streams-groups',
}

const USAGE = 'USAGE: kafka-run-class.sh [-daemon] [-name servicename] [-loggc] classname [opts]'

export const kafkaRunClass: Tool = {
  style: 'jopt',
  name: 'kafka-run-class',
  about:
    'Runs the tool that stands for one of Apache Kafka’s classes: org.apache.kafka.tools.TopicCommand is kafka-topics.',
  options: {},
  runArgs,
  run: () => Promise.resolve(),
}

async function runArgs(args: readonly string[]): Promise<number> {
  const left = [...args]
  let isDaemon = false
  for (; left[0]?.startsWith('-'); left.shift()) {
    // What concerns the JVM has nothing to change here.
    if (left[0] === '-daemon') isDaemon = true
    else if (left[0] === '-name') left.shift()
    else if (left[0] !== '-loggc') break
  }
  const [name, ...own] = left
  if (name === undefined) {
    console.log(USAGE)
    return 1
  }
  const tool = CLASSES[name]
  if (tool === undefined) {
    console.error(
      `Error: Could not find or load main class ${name}\nCaused by: java.lang.ClassNotFoundException: ${name}`,
    )
    return 1
  }
  if (isDaemon && tool !== 'kafka-server-start') {
    console.error('kafka-run-class: only kafka.Kafka can run as a daemon here')
    return 1
  }
  return runTool(tool, isDaemon ? ['-daemon', ...own] : own)
}
