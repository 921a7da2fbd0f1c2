/**
 * Runs Java: Apache Kafka's own tools by the names of their scripts, its broker, and our Client program. Tools are run one
 * after another by Tools.java, which stays; what needs a process of its own starts from a class archive, which takes two
 * thirds off the second that a start costs.
 */
import { existsSync } from 'node:fs'
import { Child, type Finished, must, run } from './process.ts'

/** Script name to main class. */
export const TOOLS: Readonly<Record<string, string>> = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'streams-groups': 'org.apache.kafka.tools.streams.StreamsGroupCommand',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'cluster-id': 'org.apache.kafka.tools.ClusterTool',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-share-consumer': 'org.apache.kafka.tools.consumer.ConsoleShareConsumer',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'verifiable-share-consumer': 'org.apache.kafka.tools.VerifiableShareConsumer',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
  storage: 'kafka.tools.StorageTool',
}

/** Those that only `cli` has recorded: of our own tools of that name, against Apache Kafka's broker. */
const RECORDED: Readonly<Record<string, string>> = {
  cluster: 'org.apache.kafka.tools.ClusterTool',
  'e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  'replica-verification': 'org.apache.kafka.tools.ReplicaVerificationTool',
  'share-consumer-perf-test': 'org.apache.kafka.tools.ShareConsumerPerformance',
  'streams-application-reset': 'org.apache.kafka.tools.StreamsResetter',
}

/** These hook into the end of their process by means that Tools.java can't stand in for, or end by what nobody catches. */
const ALONE = ['producer-perf-test', 'verifiable-producer', 'verifiable-consumer', 'verifiable-share-consumer']

const TOOL_PATIENCE_MS = 70_000

/** On loopback alone. */
function jmxOptions(port: number): string[] {
  const jmx = '-Dcom.sun.management.jmxremote'
  const options = [`${jmx}.port=${port}`, `${jmx}.rmi.port=${port}`, `${jmx}.host=127.0.0.1`]
  return [...options, `${jmx}.authenticate=false`, `${jmx}.ssl=false`, '-Djava.rmi.server.hostname=127.0.0.1']
}

export class Java {
  readonly #classPath: string
  readonly #logging: string
  readonly #archive: string
  #host: Child | undefined
  /** The tool that runs now; the next waits for it. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(classPath: string, logging: string, archive: string) {
    this.#classPath = classPath
    this.#logging = `-Dlog4j2.configurationFile=${logging}`
    this.#archive = archive
  }

  /** The command line of a short-lived program. */
  command(mainClass: string): string[] {
    // A JVM that finds no archive, or one of other classes, says nothing and starts without.
    const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `-XX:SharedArchiveFile=${this.#archive}`]
    return ['java', '-Xmx256m', ...quick, '-Xshare:auto', '-Xlog:all=off', ...this.#program(mainClass)]
  }

  /** The command line of a broker. */
  broker(properties: string, jmxPort?: number): string[] {
    const jmx = jmxPort === undefined ? [] : jmxOptions(jmxPort)
    return ['java', '-Xms256m', '-Xmx1g', ...jmx, ...this.#program('kafka.Kafka'), properties]
  }

  #program(mainClass: string): string[] {
    return [this.#logging, '-cp', this.#classPath, mainClass]
  }

  /** Runs a tool to its end. */
  async tool(name: string, args: readonly string[], input = ''): Promise<Finished> {
    if (ALONE.includes(name)) {
      return await run([...this.toolCommand(name), ...args], { input, timeoutMs: TOOL_PATIENCE_MS })
    }
    const turn = this.#last.then(() => this.#runInHost(name, args, input))
    this.#last = turn.catch(() => {})
    return await turn
  }

  async #runInHost(name: string, args: readonly string[], input: string): Promise<Finished> {
    if (!this.#host || this.#host.hasEnded) this.#host = new Child(this.command('Tools'))
    const host = this.#host
    const answered = host.lines.length
    host.write(`${JSON.stringify({ main: TOOLS[name] ?? RECORDED[name], args, input })}\n`)
    try {
      const line = await host.until(name, () => host.lines[answered], TOOL_PATIENCE_MS)
      return { signal: null, ...(JSON.parse(line) as { code: number; stdout: string; stderr: string }) }
    } catch (error) {
      await host.stop('SIGKILL')
      throw error
    }
  }

  /** The command line of a tool that gets a process of its own. */
  toolCommand(name: string): string[] {
    return this.command(TOOLS[name] ?? RECORDED[name]!)
  }

  /** Makes the archive, by a call that loads most of what the tools and clients need. */
  async prepareArchive(bootstrap: string): Promise<void> {
    if (existsSync(this.#archive)) return
    const options = ['-Xmx256m', '-XX:+UseSerialGC', `-XX:ArchiveClassesAtExit=${this.#archive}`, '-Xlog:all=off']
    const args = JSON.stringify({ bootstrap, steps: [{ op: 'list-topics' }, { op: 'describe-cluster' }] })
    await must(['java', ...options, ...this.#program('Client'), 'admin', args], { timeoutMs: 60_000 })
    if (!existsSync(this.#archive)) throw new Error('java made no class archive')
  }

  async stop(): Promise<void> {
    await this.#host?.stop('SIGKILL')
  }
}
