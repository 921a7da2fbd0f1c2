/** Runs a tool: parses, runs, and turns every outcome into what Java's tool of that name would print and end with. */
import { ArgumentError, HelpAsked, parseArgparse } from './argparse.ts'
import { Ended, ToolContext } from './context.ts'
import type { ArgparseTool, JoptTool, Tool } from './declaration.ts'
import { argparseHelp, argparseUsage, HELP_OPTIONS, joptHelp } from './help.ts'
import { isExpected, messageOf } from './java/errors.ts'
import { OptionError, parseJopt, UsageError } from './options.ts'

/** Whose tools these are. */
export const KAFKA_VERSION = '4.3.1'

/** The exit code. */
export async function runTool(tool: Tool, args: readonly string[]): Promise<number> {
  if (tool.runArgs) return tool.runArgs(args)
  const context = new ToolContext(tool.name)
  try {
    return tool.style === 'jopt' ? await runJopt(tool, args, context) : await runArgparse(tool, args, context)
  } catch (error) {
    if (error instanceof Ended) return error.exitCode
    context.complain(isExpected(error) ? messageOf(error) : `${tool.name}: ${(error as Error).stack ?? error}`)
    return 1
  }
}

async function runJopt(tool: JoptTool, given: readonly string[], context: ToolContext): Promise<number> {
  try {
    const args = tool.rewrite?.(given, context) ?? given
    const options = parseJopt({ ...tool.options, ...HELP_OPTIONS }, args)
    if ((args.length === 0 && !tool.isFineAlone) || options.has('help')) throw new UsageError(tool.about)
    if (options.has('version')) {
      context.print(KAFKA_VERSION)
      return 0
    }
    await tool.run(options, context)
    return 0
  } catch (error) {
    if (error instanceof OptionError && tool.optionError) throw new OptionError(tool.optionError(error.message))
    if (!(error instanceof UsageError)) throw error
    context.complain(error.message)
    context.complain(joptHelp(tool))
    return 1
  }
}

async function runArgparse(tool: ArgparseTool, args: readonly string[], context: ToolContext): Promise<number> {
  if (tool.isHelpRefusal && args.length === 0) {
    context.print(argparseHelp(tool, null))
    return 0
  }
  try {
    const { options, command } = parseArgparse(tool, args)
    if (options.has('version')) {
      context.print(KAFKA_VERSION)
      return 0
    }
    await (command ? command.run(options, context) : tool.run!(options, context))
    return 0
  } catch (error) {
    if (error instanceof HelpAsked) {
      context.print(argparseHelp(tool, error.command))
      return tool.isHelpRefusal ? 1 : 0
    }
    if (!(error instanceof ArgumentError)) throw error
    if (tool.argumentError) {
      context.complain(tool.argumentError(error.message))
      return 1
    }
    context.complain(argparseUsage(tool))
    context.complain(`${tool.shownName ?? tool.name}: error: ${error.message}`)
    return 1
  }
}
