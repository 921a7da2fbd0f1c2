/**
 * Our own `ottla kafka-topics …` and all its kind: stdout to the byte, exit code, and what is told on stderr, as Apache
 * Kafka's tool of that name has them. `--broker kafka --record` runs Java's tools and keeps what they print (`expected/cli-*`);
 * every other run has ours print it, against Apache Kafka or `ottla`, which is spared what it does not serve.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OTTLA, type RunningBroker } from '../brokers.ts'
import type { Context } from '../context.ts'
import { Child, type Finished, poll, run } from '../process.ts'
import { Transcript } from '../transcript.ts'
import { AREAS, type Area, BROKERS_OWN, FILES, isQuestion, MEMBERS } from './cli-commands.ts'

const PATIENCE_MS = 60_000
/** As Apache Kafka left it, killed. */
const APACHE_LOG = join(import.meta.dirname, '../../../packages/log/fixtures/apache-killed/transactions-0')

export async function cli(context: Context): Promise<void> {
  const { kit, report, record } = context
  if (record && !kit.java) {
    report.skip('cli', 'Java or Apache Kafka is missing')
    return
  }
  const folder = join(kit.scratch, 'cli-files')
  mkdirSync(folder)
  for (const [name, text] of Object.entries(FILES))
    writeFileSync(join(folder, name), text.replaceAll('FILE:', `${folder}/`))
  cpSync(APACHE_LOG, join(folder, 'log'), { recursive: true })
  const broker = await context.brokers.start(context.kind, { folder: join(kit.scratch, 'cli') })
  const bench = new Bench(context, broker, folder)
  const served = await bench.served()
  for (const area of AREAS) {
    const lacking = area.needs.filter(api => !served.has(api))
    if (lacking.length === 0) await bench.area(area)
    else if (report.wants(`cli/${area.name}`)) report.skip(`cli/${area.name}`, `not served yet: ${lacking.join(', ')}`)
  }
  await bench.members()
  await broker.stop()
}

class Bench {
  readonly #context: Context
  readonly #broker: RunningBroker
  readonly #folder: string

  constructor(context: Context, broker: RunningBroker, folder: string) {
    this.#context = context
    this.#broker = broker
    this.#folder = folder
  }

  /** Names of the APIs that the broker answers. */
  async served(): Promise<ReadonlySet<string>> {
    const { stdout } = await this.#ours('broker-api-versions', ['--bootstrap-server', this.#broker.bootstrap])
    return new Set([...stdout.matchAll(/^\s*(\w+)\(\d+\): \d/gm)].map(match => match[1]!))
  }

  #ours(tool: string, args: readonly string[], input = ''): Promise<Finished> {
    return run([process.execPath, OTTLA, `kafka-${tool}`, ...args], { input, timeoutMs: PATIENCE_MS })
  }

  async #run(command: string, input: string): Promise<Finished> {
    const [tool, ...words] = (command.match(/'[^']*'|\S+/g) ?? []).map(word => word.replaceAll("'", ''))
    const place = (word: string) => word.replace(/^FILE:/, `${this.#folder}/`).replace('BROKER', this.#broker.bootstrap)
    const args = words.map(place)
    const isConnected = args.includes(this.#broker.bootstrap) || command.includes('ALONE')
    const own = args.filter(word => word !== 'ALONE')
    const all = isConnected ? own : [...own, '--bootstrap-server', this.#broker.bootstrap]
    const { java } = this.#context.kit
    const lines = Number(/^UNTIL:(\d+)$/.exec(all.find(word => word.startsWith('UNTIL:')) ?? '')?.[1] ?? 0)
    if (lines > 0) {
      const args = all.filter(word => !word.startsWith('UNTIL:'))
      const ours = [process.execPath, OTTLA, `kafka-${tool}`]
      return untilLines([...(this.#context.record ? java!.toolCommand(tool!) : ours), ...args], lines)
    }
    return this.#context.record ? java!.tool(tool!, all, input) : this.#ours(tool!, all, input)
  }

  /** In order: each command builds on those before it. */
  async area({ name, commands, endsUncaught = false }: Area): Promise<void> {
    const { report, record, kind } = this.#context
    if (!report.wants(`cli/${name}`)) return
    const transcript = new Transcript(`cli-${name}`)
    const seen = new Map<string, number>()
    for (const each of commands) {
      const [command, input = ''] = typeof each === 'string' ? [each] : each
      const count = (seen.get(command) ?? 0) + 1
      seen.set(command, count)
      const unique = count === 1 ? command : `${command} (${count})`
      if (kind === 'ottla' && BROKERS_OWN.includes(command)) {
        report.skip(`cli/${name}/${unique}`, "it prints what is the broker's own: its loggers, the APIs that it serves")
        continue
      }
      const output = async () => {
        const finished = await this.#run(command, input)
        return shown(endsUncaught ? { ...finished, stderr: withMessage(finished.stderr) } : finished)
      }
      await report.check(`cli/${name}/${unique}`, async () => {
        if (record) {
          if (isQuestion(command)) await sleep(300)
          transcript.add(unique, await output())
          return
        }
        // A broker may learn a moment later of what it has just agreed to.
        let last: unknown
        const isRight = async () => {
          try {
            transcript.compare(unique, await output(), kind === 'kafka' ? undefined : withoutWords)
            return true
          } catch (error) {
            last = error
            return undefined
          }
        }
        await poll('the expected output', isRight, isQuestion(command) ? 3000 : 0, 200).catch(() =>
          Promise.reject(last),
        )
      })
    }
    if (record) transcript.save()
  }

  /** What is told of a group while it has a member. */
  async members(): Promise<void> {
    if (!this.#context.report.wants('cli/members')) return
    const server = ['--bootstrap-server', this.#broker.bootstrap]
    await this.#ours('topics', ['--create', '--topic', 'cli.live', '--partitions', '2', ...server])
    const address = ['-b', this.#broker.bootstrap]
    const member = new Child([process.execPath, OTTLA, 'consume', 'cli.live', '-g', 'cli.live', ...address])
    try {
      const isThere = async () => {
        const { stdout } = await this.#ours('consumer-groups', [
          '--describe',
          '--members',
          '--group',
          'cli.live',
          ...server,
        ])
        return /\b2\s*$/m.test(stdout) || undefined
      }
      await poll('a member with its partitions', isThere, 30_000)
      await this.area({ name: 'members', needs: [], commands: MEMBERS })
    } finally {
      await member.stop('SIGTERM')
    }
  }
}

/** Of a tool that goes on until it is stopped. */
async function untilLines(command: readonly string[], count: number): Promise<Finished> {
  const child = new Child(command)
  await child.until(`${count} lines`, () => child.lines[count - 1], PATIENCE_MS)
  await child.stop('SIGTERM')
  const code = Number(/^code (\d+)$/.exec(child.exit)?.[1])
  const stdout = child.lines.slice(0, count).join('\n')
  return { code: Number.isNaN(code) ? null : code, signal: null, stdout, stderr: child.stderrLines.join('\n') }
}

/** What a run can't repeat; as long as it was, so that columns stay columns. */
const MASKED: readonly [RegExp, (match: string) => string][] = [
  // Java prints a set, whose order hangs on how many other topics there are.
  [/(?<= internal topics \[)[^\]]+/g, match => match.split(', ').sort().join(', ')],
  [/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}(?=: )/gm, () => 'TIME'],
  [/^\{"timestamp":.*\}$/gm, inOrder],
  [/(?<=127\.0\.0\.1(?:[: ]\s*|\s+))\d{4,5}\b/g, match => 'P'.repeat(match.length)],
  [
    /(?<=TopicId: |Cluster ID: |ClusterId: {14}|"directoryId": "|directoryId=|directory\.id=)[\w-]{22}/g,
    () => 'I'.repeat(22),
  ],
  [/(?<=^\d+ {5}\t)[\w-]{22}/gm, () => 'I'.repeat(22)],
  [/(?<=^\d+ {5}\tI{22}\t)\d+/gm, match => 'N'.repeat(match.length)],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, match => 'U'.repeat(match.length)],
  [/\b1[6-9]\d{11}\b/g, match => 'T'.repeat(match.length)],
  [/(?<=Epoch: +|HighWatermark: {10})\d+/g, () => 'N'],
  [/(?<="size":)\d+/g, () => 'BYTES'],
  [/(?<="avg_throughput":)[\d.E]+/g, () => 'N'],
  [/(?<= records sent, ).*/gm, match => match.replaceAll(/\d+(?:\.\d+)? (?=ms|MB|records)|(?<=\()[\d.]+ /g, 'N ')],
  [/^\d{4}-\d\d-\d\d [\d:]+,(?! \d{4}-).*|^\d{4}-\d\d-\d\d [\d:]+, \d{4}-.*/gm, figures],
  [/(?<=consumption metrics- ).*/gm, figures],
  [/(?<=^\d+\t)\d+\.\d+$|(?<=^Avg latency: )\d+\.\d{4}|(?<=^Percentiles: .*= )\d+/gm, () => 'N'],
  [/\/[^\s"]*\/cli-files\//g, () => 'FILE:'],
  [/\/[^\s"]*\/cli\b(?!-)/g, () => 'FOLDER'],
]

/** Java has the fields of an event in the order in which it finds them, and sets of offsets in any. */
function inOrder(event: string): string {
  const { timestamp, name, ...fields } = JSON.parse(event) as Record<string, unknown>
  if (name === 'offsets_acknowledged')
    for (const { offsets } of fields.partitions as { offsets: number[] }[]) offsets.sort((a, b) => a - b)
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({ timestamp, name, ...Object.fromEntries(sorted) })
}

/** The error under the usage; argparse4j breaks its lines, fills them with blanks, and guesses what was meant. */
function argparseError(stderr: string): string {
  const usage = /^usage: [\s\S]*?^((?:verifiable-[\w-]+|kafka-producer-perf-test):\s+error:[\s\S]*)/m
  return stderr.replace(usage, (_, error: string) => {
    const words = error.replace(/\s*Did you mean:[\s\S]*/, '').replaceAll(/\s+/g, ' ')
    return words.replaceAll(/-- (?=\w)/g, '--').trim()
  })
}

/** Of a consumer's performance: all but how many records it read. */
function figures(line: string): string {
  const cells = line.split(', ')
  const records = cells.length === 10 ? 4 : 5
  return cells
    .map((cell, i) => (i === records ? cell : cell.replaceAll(/\d{4}-\d\d-\d\d [\d:]+/g, 'TIME')))
    .map((cell, i) => (i === records ? cell : cell.replace(/^\d+\.\d{4}$/, 'N.NNNN').replace(/^\d+\b/, 'N')))
    .join(', ')
}

/** Stack traces, log lines, the usage under an error, what Java's client says of itself, the name of an exception at its end. */
const NOT_TOLD =
  /^(?:\s+at |\s*\.\.\. \d+ more|\s+Suppressed: |Caused by: |\d\d:\d\d:\d\d|\[\d{4}-|WARN |ERROR |The consumer rebalance protocol|OpenJDK|(?:org|java|joptsimple|com)\.[\w.$]+(?:Exception|Error)(?:: |$)|\s*$)/

/** Of an exception at the beginning only the message. */
function withMessage(stderr: string): string {
  return stderr.replace(/^(?:[a-z]\w*\.)+[\w$]+(?:Exception|Error): /, '')
}

function shown({ stdout, stderr, code, signal }: Finished): string {
  let out = stdout
  for (const [pattern, mask] of MASKED) out = out.replaceAll(pattern, mask)
  const stack = /^(?:(?:org|java|com)\.[\w.$]+(?:Exception|Error): [\s\S]*?|)(?:\n?\tat [\s\S]*)$/m
  const told = argparseError(stderr)
    .replace(/^Option (?:\(\* = required\)\s+| +)Description[\s\S]*|^usage: [\s\S]*/m, '')
    .split('\n')
    .map(line =>
      line.replace(/^(?:Exception in thread "main" )?joptsimple\.\w+: |^Exception in thread "main" [\w.$]+: /, ''),
    )
    .filter(line => !NOT_TOLD.test(line))
  const unique = told.filter((line, i) => line !== told[i - 1])
  let err = unique.join('\n')
  for (const [pattern, mask] of MASKED) err = err.replaceAll(pattern, mask)
  const text = out.replace(stack, '').replace(/\n$/, '')
  return [
    ...(text === '' ? [] : [text]),
    ...(err === '' ? [] : [`[told] ${err}`]),
    `[ended with ${code ?? signal}]`,
  ].join('\n')
}

/** Which error it was counts with every broker, and in which words it was told with Apache Kafka alone. */
function withoutWords(text: string): string {
  return text
    .replaceAll(/(?<=Error while executing \w+(?: \w+)? command : ).*/g, 'WORDS')
    .replaceAll(/(?<=org\.apache\.kafka\.common\.errors\.\w+: ).*/g, 'WORDS')
    .replaceAll(/(?<=^(?:Could|Can) not \w+ [\w.]+(?: to \d+)?\. ).*/gm, 'WORDS')
}
