/**
 * What a tool is: its name, its options, what it does. One declaration makes the parser, `--help` and docs/cli.md. Options
 * are those of Apache Kafka's tool of the same name, which are parsed in one of two ways: `jopt` (kafka-topics) or
 * `argparse` with commands (kafka-features).
 */
import type { ToolContext } from './context.ts'
import type { Options, ParsedOptions } from './options.ts'

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
