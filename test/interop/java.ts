/**
 * Runs Java: Apache Kafka's own tools by the names of their scripts, its broker, and our Client program. Tools start from
 * a class archive that one of them leaves behind, which takes two thirds off the second that each start costs.
 */
import { existsSync } from 'node:fs'
import { type Finished, must, run } from './process.ts'

/** Script name to main class. */
const TOOLS: Record<string, string> = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'cluster-id': 'org.apache.kafka.tools.ClusterTool',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  storage: 'kafka.tools.StorageTool',
}

export class Java {
  readonly #classPath: string
  readonly #logging: string
  readonly #archive: string

  constructor(classPath: string, logging: string, archive: string) {
    this.#classPath = classPath
    this.#logging = `-Dlog4j2.configurationFile=${logging}`
    this.#archive = archive
  }

  /** The command line of a short-lived program. */
  command(mainClass: string, ...options: string[]): string[] {
    // A JVM that finds no archive, or one of other classes, says nothing and starts without.
    const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `-XX:SharedArchiveFile=${this.#archive}`]
    const log = ['-Xshare:auto', '-Xlog:disable', '-Xlog:all=off']
    return ['java', '-Xmx256m', ...quick, ...log, ...options, this.#logging, '-cp', this.#classPath, mainClass]
  }

  /** The command line of a broker. */
  broker(properties: string): string[] {
    return ['java', '-Xms256m', '-Xmx1g', this.#logging, '-cp', this.#classPath, 'kafka.Kafka', properties]
  }

  /** Runs a tool to its end. */
  async tool(name: string, args: readonly string[], input?: string): Promise<Finished> {
    return await run([...this.toolCommand(name), ...args], { input, timeoutMs: 60_000 })
  }

  toolCommand(name: string): string[] {
    return this.command(TOOLS[name]!)
  }

  /** Makes the archive, by a call that loads most of what the tools and clients need. */
  async prepareArchive(bootstrap: string): Promise<void> {
    if (existsSync(this.#archive)) return
    const options = ['-Xmx256m', '-XX:+UseSerialGC', `-XX:ArchiveClassesAtExit=${this.#archive}`, '-Xlog:all=off']
    const args = JSON.stringify({ bootstrap, steps: [{ op: 'list-topics' }, { op: 'describe-cluster' }] })
    await must(['java', ...options, this.#logging, '-cp', this.#classPath, 'Client', 'admin', args], {
      timeoutMs: 60_000,
    })
    if (!existsSync(this.#archive)) throw new Error('java made no class archive')
  }
}
