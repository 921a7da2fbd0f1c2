/**
 * Every command of `ottla` with its arguments, options, help and examples. What a command does is in `commands/`, loaded
 * only when it is run, so that `ottla --help` and `ottla start` load nothing they don't need.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { version } from './version.ts'

export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

/** Parses an integer in [min, max] for commander. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(
        `It has to be a whole number ${max < 2 ** 53 - 1 ? `from ${min} to ${max}` : `of ${min} or more`}.`,
      )
    }
    return value
  }
}

export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map(line => `  ${line}`).join('\n')}`)
}

export function makeProgram(): Command {
  const program = new Command('ottla')
    .description('The Apache Kafka platform in TypeScript.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(ottla --help, or ottla COMMAND --help, tells more)')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride()
  addStart(program)
  return program
}

/** What `start` and `storage` share: where the configuration comes from. */
export function withConfiguration(command: Command): Command {
  return command
    .option('--data <dir>', 'folder for the data: sets log.dirs')
    .option('--config <file>', "a server.properties as Apache Kafka's")
    .option('--set <key=value>', 'one broker config; may be repeated', collect)
}

function addStart(program: Command): void {
  const start = withConfiguration(program.command('start'))
    .description('Run a broker until SIGTERM or SIGINT.')
    .option('--port <number>', 'port for clients on 127.0.0.1; 0 picks a free one', integer(0, 65_535))
    .option('--memory', 'keep the data in memory; it is gone when the broker stops')
    .addOption(
      new Option('--log-level <level>', 'what is logged to stderr')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addOption(new Option('--log-format <format>', 'how').choices(['text', 'json']).default('text'))
    .action(async options => {
      const { start: run } = await import('../commands/start.ts')
      await run(options)
    })
  examples(start, [
    'ottla start                                  127.0.0.1:9092, data in ./ottla-data',
    'ottla start --port 0 --memory                a throw-away broker on a free port',
    'ottla start --config server.properties       as Apache Kafka would',
    'ottla start --set num.partitions=12',
  ])
}
