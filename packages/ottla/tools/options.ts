/**
 * Options as Java's jopt-simple parses them, with its messages: `--topic x`, `--topic=x`, `-topic x`, options again and
 * again, arguments that are converted when they are asked for; and the checks that the tools make of them.
 */
import { ToolError } from './java/errors.ts'

export interface OptionDeclaration {
  readonly about: string
  /** What its value is, for people. Without it the option is a switch. */
  readonly value?: string
  /** The value may be left out. */
  readonly isValueOptional?: boolean
  readonly isRequired?: boolean
  readonly default?: string
  /** One argument has several values, separated by this. */
  readonly separator?: string
  /** One of these has to be given, too. */
  readonly onlyWith?: readonly string[]
  /** Other names: one letter is `-b`. */
  readonly aliases?: readonly string[]
  /** It may be given again, and each time counts (argparse). */
  readonly isRepeated?: boolean
  /** Of several in such a group one is given, or at most one (argparse). */
  readonly oneOf?: 'exactly' | 'at most'
  /** What its values are, where they are checked as they are read (argparse), or may begin with a minus (jopt). */
  readonly type?: 'int' | 'long' | 'short' | 'double'
  /** Nothing else may be given (argparse). */
  readonly choices?: readonly string[]
  /** All words up to the next option are its values (argparse). */
  readonly isList?: boolean
}

export type Options = Readonly<Record<string, OptionDeclaration>>

/** The command line is wrong. */
export class OptionError extends ToolError {
  constructor(message: string) {
    super(message, 'joptsimple.OptionException')
  }
}

/** So wrong that the tool tells how it is used. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const INT = { min: -(2n ** 31n), max: 2n ** 31n - 1n }
const LONG = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

export class ParsedOptions<Name extends string = string> {
  readonly #declared: Options
  /** By the first name; in the order of the command line. */
  readonly #found: ReadonlyMap<string, readonly string[]>
  /** Names in the order of the command line, each as often as it was given. */
  readonly given: readonly string[]
  /** What is no option. */
  readonly words: readonly string[]
  /** The whole command line. */
  readonly line: string

  constructor(
    declared: Options,
    found: ReadonlyMap<string, readonly string[]>,
    given: readonly string[] = [...found.keys()],
    words: readonly string[] = [],
    line = '',
  ) {
    this.line = line
    this.#declared = declared
    this.#found = found
    this.given = given
    this.words = words
  }

  has(name: Name): boolean {
    return this.#found.has(name)
  }

  /** The only value, or the default; null: neither. */
  text(name: Name): string | null {
    const values = this.texts(name)
    if (values.length > 1)
      throw new OptionError(`Found multiple arguments for option ${name}, but you asked for only one`)
    return values[0] ?? null
  }

  texts(name: Name): readonly string[] {
    const { default: byDefault, separator } = this.#declared[name]!
    const values = this.#found.get(name) ?? []
    const own = separator ? values.flatMap(value => value.split(separator)) : values
    return own.length === 0 && byDefault !== undefined ? [byDefault] : own
  }

  int(name: Name): number | null {
    return this.#integer(name, INT)
  }

  long(name: Name): number | null {
    return this.#integer(name, LONG)
  }

  #integer(name: Name, { min, max }: { min: bigint; max: bigint }): number | null {
    const text = this.text(name)
    if (text === null) return null
    const value = /^[+-]?\d+$/.test(text) ? BigInt(text) : null
    if (value === null || value < min || value > max)
      throw new OptionError(`Cannot parse argument '${text}' of option ${name}`)
    return Number(value)
  }

  required(...names: Name[]): void {
    for (const name of names)
      if (!this.has(name)) throw new UsageError(`Missing required argument "${this.shown(name)}"`)
  }

  /** Where `used` is given none of `others` may be. */
  not(used: Name, ...others: Name[]): void {
    if (!this.has(used)) return
    for (const other of others) {
      if (other !== used && this.has(other))
        throw new UsageError(`Option "${this.shown(used)}" can't be used with option "${this.shown(other)}"`)
    }
  }

  count(...names: Name[]): number {
    return names.filter(name => this.has(name)).length
  }

  /** As jopt-simple shows it: `[topic]`. */
  shown(name: Name): string {
    return shown(name, this.#declared[name]!)
  }
}

function shown(name: string, { aliases = [] }: OptionDeclaration): string {
  return `[${[name, ...aliases].join(', ')}]`
}

export function parseJopt(declared: Options, args: readonly string[]): ParsedOptions<string> {
  const names = new Map<string, string>()
  for (const [name, { aliases = [] }] of Object.entries(declared))
    for (const one of [name, ...aliases]) names.set(one, name)
  const found = new Map<string, string[]>()
  const given: string[] = []
  const words: string[] = []
  const left = [...args]
  const take = (asked: string, attached: string): void => {
    const name = names.get(asked)
    if (name === undefined) throw new OptionError(`${asked} is not a recognized option`)
    const values = found.get(name) ?? []
    found.set(name, values)
    given.push(name)
    const { value, isValueOptional, type } = declared[name]!
    if (value === undefined) return
    if (attached !== '') values.push(attached)
    else if (isValueOptional) {
      const isNumber = type !== undefined && /^-\d+$/.test(left[0] ?? '')
      if (left.length > 0 && (isNumber || !/^-./.test(left[0]!))) values.push(left.shift()!)
    } else {
      const next = left.shift()
      if (next === undefined) throw new OptionError(`Option ${asked} requires an argument`)
      values.push(next)
    }
  }
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg === '--') {
      words.push(...left.splice(0))
    } else if (/^--?./.test(arg)) {
      const [, asked = arg, attached = ''] = /^--?([^=]+)(?:=(.*))?$/s.exec(arg) ?? []
      // `-list` is `--list`; an unknown one is told by its first letter, as a heap of short ones would be.
      const isShort = !arg.startsWith('--') && !names.has(asked)
      take(isShort ? asked[0]! : asked, attached)
    } else words.push(arg)
  }
  checkCompany(declared, found)
  return new ParsedOptions(declared, found, given, words, args.join(' '))
}

/** Options that are missing, and that are of no use without another. */
function checkCompany(declared: Options, found: ReadonlyMap<string, readonly string[]>): void {
  if (found.has('help') || found.has('version')) return
  const all = Object.entries(declared)
  const missing = all.filter(([name, { isRequired }]) => isRequired && !found.has(name))
  if (missing.length > 0)
    throw new OptionError(`Missing required option(s) [${missing.map(([name]) => name).join(', ')}]`)
  const alone = all.filter(
    ([name, { onlyWith }]) => onlyWith && found.has(name) && !onlyWith.some(one => found.has(one)),
  )
  if (alone.length > 0) {
    const list = alone.map(([name]) => name).join(', ')
    throw new OptionError(`Option(s) [${list}] are unavailable given other options on the command line`)
  }
}
