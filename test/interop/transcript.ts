/**
 * Transcripts of command line tools: what each command printed against Apache Kafka is kept in `expected/NAME.txt`, one
 * command after another, with all that differs from run to run replaced. `--record` writes the files anew.
 *
 *     $ topics --create --topic tools.one
 *     Created topic tools.one.
 *     [ended with 0]
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished } from './process.ts'

const FOLDER = join(import.meta.dirname, 'expected')

/** What a run can't repeat: ports, ids, times, sizes. Columns lose their padding. */
const REPLACED: readonly [RegExp, string][] = [
  // An id that a consumer has made itself, before its host.
  [/(?<= )[\w-]{22}(?=\s+\/127)/g, 'MEMBER'],
  [/127\.0\.0\.1([: ])\d+/g, '127.0.0.1$1PORT'],
  [/TopicId: [\w-]{22}/g, 'TopicId: ID'],
  [/Cluster ID: [\w-]{22}/g, 'Cluster ID: ID'],
  [/-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '-UUID'],
  [/CreateTime:\d{13}/g, 'CreateTime:TIME'],
  [/"timestamp":\d{13}/g, '"timestamp":TIME'],
  [/"size":[1-9]\d*/g, '"size":BYTES'],
  [/"(total|usable)Bytes":[1-9]\d*/g, '"$1Bytes":BYTES'],
  [/\/[^\s"]*\/(admin-)?tools\b/g, 'FOLDER'],
  [/"avg_throughput":[\d.]+/g, '"avg_throughput":N'],
]
/**
 * Errors that came from the broker: which one it was has to be the same, in what words it was told need not. Of a logged
 * error only its name is kept.
 */
const BROKER_ERROR = /(?<=org\.apache\.kafka\.common\.errors\.\w+): (.+)$/gm
const LOGGED_ERROR = /^\d\d:\d\d:\d\d\.\d+ ERROR \w+: .*\borg\.apache\.kafka\.common\.errors\.(\w+).*/

/** Log lines, stack traces, and what the Java client says of itself. */
const DROPPED =
  /^(The consumer rebalance protocol \(KIP-848\)|\s+at |\s*\.\.\. \d+ more|\d\d:\d\d:\d\d\.\d+ |\[\d{4}-\d\d-\d\d |OpenJDK 64-Bit Server VM warning)/

export function normalise(finished: Finished): string {
  let text = `${finished.stdout}\n${finished.stderr}`.split('\n').map(sortJson).join('\n')
  for (const [, words] of [...text.matchAll(BROKER_ERROR)]) text = text.replaceAll(words!, 'WORDS')
  text = text.replaceAll(new RegExp(LOGGED_ERROR, 'gm'), '[$1]')
  for (const [pattern, replacement] of REPLACED) text = text.replaceAll(pattern, replacement)
  const lines = text.split('\n').map(line => line.trimEnd().replaceAll(/(?<=\S)[ \t]+/g, ' '))
  const kept = lines.filter(line => line !== '' && !DROPPED.test(line))
  return [...kept, `[ended with ${finished.code ?? finished.signal}]`].join('\n')
}

/** JSON that a tool prints in one line: the order of its keys, and of the partitions in a log dir, is chance. */
function sortJson(line: string): string {
  if (!/^\{.*\}$/.test(line)) return line
  const sort = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const items = value.map(sort)
      return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    }
    if (value === null || typeof value !== 'object') return value
    const names = Object.keys(value).sort()
    return Object.fromEntries(names.map(name => [name, sort((value as Record<string, unknown>)[name])]))
  }
  return JSON.stringify(sort(JSON.parse(line)))
}

export class Transcript {
  readonly #path: string
  readonly #expected = new Map<string, string>()
  readonly #actual: string[] = []

  constructor(name: string) {
    this.#path = join(FOLDER, `${name}.txt`)
    if (!existsSync(this.#path)) return
    for (const part of readFileSync(this.#path, 'utf8').split(/^(?=\$ )/m)) {
      const [command, ...output] = part.trimEnd().split('\n')
      this.#expected.set(command!.slice(2), output.join('\n'))
    }
  }

  /** Keeps what a command printed, to be written by `save`. */
  add(command: string, output: string): void {
    this.#actual.push(`$ ${command}\n${output}\n`)
  }

  save(): void {
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(this.#path, this.#actual.join('\n'))
  }

  /**
   * Throws, showing the lines that differ, unless the command printed what it prints against Apache Kafka. `without`: takes
   * out of both what does not count.
   */
  compare(command: string, output: string, without = (text: string): string => text): void {
    const expected = this.#expected.get(command)
    if (expected === undefined) throw new Error(`${this.#path} has no «${command}»: record it with --record`)
    const difference = differing(without(expected).split('\n'), without(output).split('\n'))
    if (difference.length > 0) throw new Error(`$ ${command}\n${difference.join('\n')}`)
  }
}

/** Lines that only one side has, or that stand in another order: `-` expected, `+` printed. At most 40. */
function differing(expected: readonly string[], actual: readonly string[]): string[] {
  const without = (lines: readonly string[], others: readonly string[]) => {
    const left = new Map<string, number>()
    for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
    return lines.filter(line => {
      const count = left.get(line) ?? 0
      left.set(line, count - 1)
      return count <= 0
    })
  }
  const missing = without(expected, actual).map(line => `- ${line}`)
  const extra = without(actual, expected).map(line => `+ ${line}`)
  if (missing.length + extra.length === 0) {
    const index = expected.findIndex((line, i) => line !== actual[i])
    return index < 0 ? [] : [`- ${expected[index]}`, `+ ${actual[index]}`, '(the same lines, in another order)']
  }
  return [...missing.slice(0, 20), ...extra.slice(0, 20)]
}
