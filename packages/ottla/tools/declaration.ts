/**
 * What a tool is: its name, its options, what it does. One declaration makes the parser, `--help` and docs/cli.md. Options
 * are those of Apache Kafka's tool of the same name, which are parsed in one of two ways: `jopt` (kafka-topics) or
 * `argparse` with commands (kafka-features).
 */
import type { ToolContext } from './context.ts'
import type { ParsedOptions } from './options.ts'

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

interface ToolBase {
  /** As Apache Kafka's script without `.sh`. */
  readonly name: string
  readonly about: string
  /** It is named here to say that, and why. */
  readonly isMissing?: boolean
  /** It reads its arguments itself; answers the exit code. */
  runArgs?(args: readonly string[]): Promise<number>
}

export interface JoptTool<O extends Options = Options> extends ToolBase {
  readonly style: 'jopt'
  readonly options: O
  /** Makes options of arguments in an older form. */
  readonly rewrite?: (args: readonly string[], context: ToolContext) => readonly string[]
  /** Without arguments it does something, and does not tell how it is used. */
  readonly isFineAlone?: boolean
  /** Around what is told of an option that is wrong. */
  readonly optionError?: (message: string) => string
  run(options: ParsedOptions<Extract<keyof O, string>>, context: ToolContext): Promise<void>
}

export interface CommandDeclaration<O extends Options = Options> {
  readonly about: string
  readonly options: O
  run(options: ParsedOptions<string>, context: ToolContext): Promise<void>
}

export interface ArgparseTool extends ToolBase {
  readonly style: 'argparse'
  /** Before the command. */
  readonly options: Options
  /** What words without a dash are, if there may be some. */
  readonly words?: string
  /** Without commands there is one thing that it does. */
  readonly commands?: Readonly<Record<string, CommandDeclaration>>
  run?(options: ParsedOptions<string>, context: ToolContext): Promise<void>
  /** As the usage names it, where that is not its name. */
  readonly shownName?: string
  /** Help that was asked for ends with 1, and no arguments at all are help that ends with 0, as in the tools for tests. */
  readonly isHelpRefusal?: boolean
  /** Instead of the usage. */
  readonly argumentError?: (message: string) => string
}

export type Tool = JoptTool | ArgparseTool

/** Keeps the names of the options for the compiler. */
export function joptTool<const O extends Options>(tool: Omit<JoptTool<O>, 'style'>): Tool {
  return { ...tool, style: 'jopt' } as unknown as Tool
}

export function argparseTool(tool: Omit<ArgparseTool, 'style'>): Tool {
  return { ...tool, style: 'argparse' }
}

/** Most tools have these. */
export const BOOTSTRAP = {
  about: 'Brokers to begin with: host:port, several separated by commas. Required.',
  value: 'host:port',
} as const
export const COMMAND_CONFIG = { about: 'A properties file for the client.', value: 'file' } as const
