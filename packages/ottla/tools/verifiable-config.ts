/** Where the verifiable tools have their clients' configs from: a file, by an option with an older name, too. */
import { ArgumentError } from './argparse.ts'
import type { ToolContext } from './context.ts'
import { ClientSetupError } from './java/errors.ts'
import type { ParsedOptions } from './options.ts'

/** null: there is none. */
export function configFile(
  options: ParsedOptions<string>,
  older: 'producer.config' | 'consumer.config',
  context: ToolContext,
): string | null {
  const [before, now] = [options.text(older), options.text('command-config')]
  if (before !== null && now !== null)
    throw new ArgumentError(`Options --${older} and --command-config are mutually exclusive.`)
  if (before !== null)
    context.print(
      `Option --${older} has been deprecated and will be removed in a future version. Use --command-config instead.`,
    )
  return before ?? now
}

/** The file is stronger than what is given; a file that is not there is a wrong argument. */
export function fileProperties(
  config: string | null,
  properties: ReadonlyMap<string, string>,
  alsoHonoured: ReadonlySet<string>,
  context: ToolContext,
): Map<string, string> {
  try {
    return context.properties({ bootstrap: null, config, properties, alsoHonoured })
  } catch (error) {
    throw error instanceof ClientSetupError ? new ArgumentError(error.message) : error
  }
}
