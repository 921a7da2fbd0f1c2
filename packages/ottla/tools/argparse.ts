/** Options and a command as Java's argparse4j parses them, with its messages: `kafka-features --bootstrap-server … describe`. */
import type { ArgparseTool, CommandDeclaration } from './declaration.ts'
import { type OptionDeclaration, type Options, ParsedOptions } from './options.ts'

/** Told with the usage in one line. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** Somebody asked how it is used. */
export class HelpAsked extends Error {
  readonly command: string | null

  constructor(command: string | null) {
    super('help')
    this.command = command
  }
}

export interface ParsedCommand {
  readonly options: ParsedOptions<string>
  readonly command: CommandDeclaration | null
  readonly name: string | null
}

const TYPES = {
  int: { name: 'Integer', min: -(2n ** 31n), max: 2n ** 31n - 1n },
  long: { name: 'Long', min: -(2n ** 63n), max: 2n ** 63n - 1n },
  short: { name: 'Short', min: -32768n, max: 32767n },
} as const

/** `--bootstrap-server/-b` */
export function shownAs(name: string, { aliases = [] }: OptionDeclaration): string {
  return [name, ...aliases].map(flag).join('/')
}

export function flag(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

export function parseArgparse(tool: ArgparseTool, args: readonly string[]): ParsedCommand {
  const found = new Map<string, string[]>()
  const left = [...args]
  const { commands } = tool
  if (!commands) {
    const words: string[] = []
    take(tool.options, left, found, null, arg => {
      if (tool.words === undefined) return false
      words.push(arg)
      return true
    })
    checkGiven(tool.options, found)
    return { options: new ParsedOptions(tool.options, found, undefined, words), command: null, name: null }
  }
  take(tool.options, left, found, null, 'ends')
  const name = left.shift()
  if (name === undefined) throw new ArgumentError('too few arguments')
  const command = commands[name]
  if (!command) {
    const choices = Object.keys(commands).map(choice => `'${choice}'`)
    throw new ArgumentError(`invalid choice: '${name}' (choose from ${choices.join(', ')})`)
  }
  const declared = { ...tool.options, ...command.options }
  take(command.options, left, found, name, () => false)
  checkGiven(declared, found)
  return { options: new ParsedOptions(declared, found), command, name }
}

/** Takes options from the front of `left`; a word ends it, or is taken if `onWord` says so. */
function take(
  declared: Options,
  left: string[],
  found: Map<string, string[]>,
  command: string | null,
  onWord: 'ends' | ((word: string) => boolean),
): void {
  const names = new Map<string, string>()
  for (const [name, { aliases = [] }] of Object.entries(declared))
    for (const one of [name, ...aliases]) names.set(flag(one), name)
  const unknown: string[] = []
  while (left.length > 0) {
    const arg = left[0]!
    if (!arg.startsWith('-')) {
      if (onWord === 'ends') return
      left.shift()
      if (!onWord(arg)) unknown.push(arg)
      continue
    }
    left.shift()
    if (arg === '-h' || arg === '--help') throw new HelpAsked(command)
    const at = arg.startsWith('--') ? arg.indexOf('=') : -1
    const asked = at < 0 ? arg : arg.slice(0, at)
    const name = names.get(asked) ?? abbreviated(names, asked)
    if (name === undefined) unknown.push(arg)
    else {
      const given = at < 0 ? undefined : arg.slice(at + 1)
      addValue(name, declared[name]!, given, left, found)
    }
  }
  if (unknown.length > 0) throw new ArgumentError(`unrecognized arguments: '${unknown[0]}'`)
}

/** `--boot` for `--bootstrap-server`, if nothing else begins so. */
function abbreviated(names: ReadonlyMap<string, string>, asked: string): string | undefined {
  if (!asked.startsWith('--')) return undefined
  const matches = [...names.keys()].filter(name => name.startsWith(asked))
  if (matches.length > 1) throw new ArgumentError(`ambiguous option: ${asked} could match ${matches.join(', ')}`)
  return names.get(matches[0] ?? '')
}

function addValue(
  name: string,
  option: OptionDeclaration,
  given: string | undefined,
  left: string[],
  found: Map<string, string[]>,
): void {
  const values = found.get(name) ?? []
  found.set(name, values)
  if (option.value === undefined) return
  const isNumber = (text: string): boolean => /^-\d/.test(text)
  const next =
    given ?? (left[0] !== undefined && (!left[0].startsWith('-') || isNumber(left[0])) ? left.shift() : undefined)
  if (next === undefined) throw new ArgumentError(`argument ${shownAs(name, option)}: expected one argument`)
  if (!option.isRepeated) values.length = 0
  const all = [next]
  if (option.isList) while (left.length > 0 && !left[0]!.startsWith('-')) all.push(left.shift()!)
  for (const one of all) checkValue(name, option, one)
  values.push(...all)
}

function checkValue(name: string, option: OptionDeclaration, text: string): void {
  if (option.type) checkType(name, option, text)
  if (option.choices && !option.choices.includes(text))
    throw new ArgumentError(
      `argument ${shownAs(name, option)}: invalid choice: '${text}' (choose from {${option.choices.join(',')}})`,
    )
}

function checkType(name: string, option: OptionDeclaration, text: string): void {
  const fail = (type: string) => {
    const message = `could not convert '${text}' to ${type} (For input string: "${text}")`
    throw new ArgumentError(`argument ${shownAs(name, option)}: ${message}`)
  }
  if (option.type === 'double') {
    if (text.trim() === '' || Number.isNaN(Number(text))) fail('Double')
    return
  }
  const { name: type, min, max } = TYPES[option.type!]
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text) : null
  if (value === null || value < min || value > max) fail(type)
}

function checkGiven(declared: Options, found: ReadonlyMap<string, readonly string[]>): void {
  const all = Object.entries(declared)
  for (const [name, option] of all) {
    if (option.isRequired && !found.has(name)) throw new ArgumentError(`argument ${shownAs(name, option)} is required`)
  }
  const group = all.filter(([, { oneOf }]) => oneOf)
  const given = [...found.keys()].filter(name => declared[name]?.oneOf)
  const [first, second] = given
  if (second !== undefined) {
    const [one, other] = [first!, second].map(name => shownAs(name, declared[name]!))
    throw new ArgumentError(`argument ${other}: not allowed with argument ${one}`)
  }
  if (given.length === 0 && group.some(([, { oneOf }]) => oneOf === 'exactly')) {
    const names = group.map(([name, option]) => shownAs(name, option))
    throw new ArgumentError(`one of the arguments ${names.join(' ')} is required`)
  }
}
