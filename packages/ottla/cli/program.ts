/**
 * Every command of `ottla`. What a command does is in `commands/`, loaded only when it is run, so that `ottla --help` and
 * `ottla start` load nothing they don't need.
 */
import { Argument, Command, Option } from 'commander'
import { collect, DEFAULT_SERVER, duration, integer, listener, moment } from './arguments.ts'
import { completionScript, SHELLS } from './completion.ts'
import { version } from './version.ts'

export function makeProgram(): Command {
  const program = new Command('ottla')
    .description('The Apache Kafka platform in TypeScript.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(ottla --help, or ottla COMMAND --help, tells more)')
    .showSuggestionAfterError()
    .exitOverride()
  addStart(program)
  addStorage(program)
  addTopic(program)
  addProduce(program)
  addConsume(program)
  addGroup(program)
  addConfig(program)
  addPerf(program)
  addCompletion(program)
  return program
}

function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map(line => `  ${line}`).join('\n')}`)
}

/** Where the configuration of a node comes from. */
function withNodeConfig(command: Command): Command {
  return command
    .option('--data <dir>', 'folder for the data: sets log.dirs')
    .option('--config <file>', "a server.properties as Apache Kafka's")
    .option('--set <key=value>', 'one broker config; may be repeated', collect)
}

function withCluster(command: Command): Command {
  const servers = new Option('-b, --bootstrap-server <host:port>', 'brokers to begin with, separated by commas')
  return command
    .addOption(servers.env('OTTLA_BOOTSTRAP_SERVER').default(DEFAULT_SERVER))
    .option('--timeout <ms>', 'how long to wait for an answer', integer(1), 30_000)
    .option('--json', 'print JSON')
}

function addStart(program: Command): void {
  const start = withNodeConfig(program.command('start'))
    .description('Run a broker until SIGTERM or SIGINT.')
    .option('--port <number>', 'port for clients on 127.0.0.1; 0 picks a free one (default: 9092)', integer(0, 65_535))
    .addOption(new Option('--memory', 'keep the data in memory; it is gone when the broker stops').conflicts('data'))
    .addOption(
      new Option('--log-level <level>', 'what is logged to stderr')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addOption(new Option('--log-format <format>', 'how').choices(['text', 'json']).default('text'))
    .addOption(
      new Option(
        '--metrics-listener <[host:]port>',
        'serve metrics and health by HTTP; the host is 127.0.0.1 by default',
      )
        .env('OTTLA_METRICS_LISTENER')
        .argParser(listener),
    )
    .option('--no-client-telemetry', 'do not let clients push metrics of theirs (KIP-714)')
    .action(async options => (await import('../commands/start.ts')).start(options))
  examples(start, [
    'ottla start                               clients on 127.0.0.1:9092, data in ./ottla-data',
    'ottla start --port 0 --memory             a throw-away broker on a free port',
    'ottla start --config server.properties    as Apache Kafka would',
    'ottla start --set num.partitions=12',
    'ottla start --metrics-listener 9404       /metrics, /healthz and /readyz on 127.0.0.1:9404',
    'ottla start --set listeners=PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093    for other machines, too',
  ])
}

function addStorage(program: Command): void {
  const storage = program.command('storage').description('The log dirs of a node that does not run.')
  const format = withNodeConfig(storage.command('format'))
    .description('Give the log dirs to a cluster, as kafka-storage does; ottla start does it by itself.')
    .option('--cluster-id <id>', 'of the cluster: 22 characters of base64; a random one by default')
    .option('--ignore-formatted', 'leave alone what is formatted already')
    .option('--json', 'print JSON')
    .action(async options => (await import('../commands/storage.ts')).format(options))
  examples(format, [
    'ottla storage format --data ./data',
    'ottla storage format --config server.properties --cluster-id MkU3OEVBNTcwNTJENDM2Qg',
  ])
  withNodeConfig(storage.command('info'))
    .description('Say to whom the log dirs belong.')
    .option('--json', 'print JSON')
    .action(async options => (await import('../commands/storage.ts')).info(options))
}

function addTopic(program: Command): void {
  const topic = program.command('topic').description('Topics: create, list, describe, alter, delete.')
  const run = () => import('../commands/topic.ts')
  const create = withCluster(topic.command('create'))
    .argument('<name>')
    .option('-p, --partitions <count>', "how many; the cluster's num.partitions by default", integer(1))
    .option('-r, --replication-factor <count>', "copies of each; the cluster's default by default", integer(1, 32_767))
    .option('-c, --config <key=value>', 'a topic config; may be repeated', collect)
    .option('--if-not-exists', 'no error if it is there')
    .action(async (name, options) => (await run()).create(name, options))
  examples(create, [
    'ottla topic create orders -p 12',
    'ottla topic create sessions -c retention.ms=3600000 -c segment.ms=600000',
  ])
  withCluster(topic.command('list'))
    .description('All topics.')
    .option('--internal', "the cluster's own too")
    .action(async options => (await run()).list(options))
  withCluster(topic.command('describe'))
    .description('Partitions with leaders, replicas and in-sync replicas.')
    .argument('[names...]')
    .action(async (names, options) => (await run()).describe(names, options))
  const alter = withCluster(topic.command('alter'))
    .argument('<name>')
    .option('-p, --partitions <count>', 'as many in all; never fewer than there are', integer(1))
    .option('-c, --config <key=value>', 'sets a topic config; may be repeated', collect)
    .option('--delete-config <key>', 'back to the default; may be repeated', collect)
    .action(async (name, options) => (await run()).alter(name, options))
  examples(alter, [
    'ottla topic alter orders -p 24',
    'ottla topic alter orders -c retention.ms=86400000 --delete-config segment.ms',
  ])
  withCluster(topic.command('delete'))
    .argument('<names...>')
    .option('--if-exists', 'no error if it is not there')
    .action(async (names, options) => (await run()).remove(names, options))
}

function addProduce(program: Command): void {
  const produce = withCluster(program.command('produce'))
    .description('A record for each line of stdin.')
    .argument('<topic>')
    .option('-k, --key-separator <text>', 'what is before it in a line is the key')
    .option('-P, --partition <number>', 'by key, or in turn, by default', integer(0))
    .option('-H, --header <key=value>', 'of every record; may be repeated', collect)
    .addOption(
      new Option('-z, --codec <name>', 'compression')
        .choices(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
        .default('none'),
    )
    .addOption(new Option('--acks <which>', 'who has to have written it').choices(['all', '1', '0']).default('all'))
    .action(async (topic, options) => (await import('../commands/produce.ts')).produce(topic, options))
  examples(produce, [
    'echo hello | ottla produce greetings',
    'ottla produce prices -k : < prices.txt               lines of key:value',
    'ottla consume a --json --exit-at-end | ottla produce b --json',
  ])
}

function addConsume(program: Command): void {
  const consume = withCluster(program.command('consume'))
    .description('Print records.')
    .argument('<topic>')
    .option(
      '-f, --from <where>',
      'beginning, end, an offset, or a date; in a group only where nothing is committed',
      'beginning',
    )
    .option('-P, --partition <number>', 'only this one', integer(0))
    .option('-g, --group <id>', 'as a member of a group, which remembers how far it got')
    .option('-n, --count <number>', 'stop after as many', integer(1))
    .option('-e, --exit-at-end', 'stop at what is the end now')
    .option('--read-committed', 'leave out what belongs to open or aborted transactions')
    .option('--print-key', 'key, tab, value')
    .action(async (topic, options) => (await import('../commands/consume.ts')).consume(topic, options))
  examples(consume, [
    'ottla consume orders --exit-at-end',
    'ottla consume orders -f end --json',
    'ottla consume orders -g billing',
  ])
}

function addGroup(program: Command): void {
  const group = program.command('group').description('Consumer groups: list, describe, reset-offsets, delete.')
  const run = () => import('../commands/group.ts')
  withCluster(group.command('list')).action(async options => (await run()).list(options))
  withCluster(group.command('describe'))
    .description('Committed offsets and how far they are behind.')
    .argument('<group>')
    .option('--members', 'who is in it')
    .action(async (id, options) => (await run()).describe(id, options))
  const reset = withCluster(group.command('reset-offsets'))
    .description('Move a group that has no members. Shows what would be done; --execute does it.')
    .argument('<group>')
    .requiredOption('-t, --topic <name[:partitions]>', 'may be repeated', collect)
    .option('--to-earliest')
    .option('--to-latest')
    .option('--to-offset <offset>', '', integer(0))
    .option('--to-datetime <date>', 'the first record that is not earlier', moment)
    .option('--by-duration <time>', 'so long ago: 30s, 15m, 2h, 7d, PT1H', duration)
    .option('--shift-by <count>', 'forward, or back if negative', integer(Number.MIN_SAFE_INTEGER))
    .option('--execute', 'do it')
    .action(async (id, options) => (await run()).resetOffsets(id, options))
  examples(reset, [
    'ottla group reset-offsets billing -t orders --to-earliest',
    'ottla group reset-offsets billing -t orders:0,1 --by-duration 2h --execute',
  ])
  withCluster(group.command('delete'))
    .argument('<groups...>')
    .action(async (ids, options) => (await run()).remove(ids, options))
}

function addConfig(program: Command): void {
  const config = program.command('config').description('Configuration of topics, brokers and groups while they run.')
  const whose = (command: Command) =>
    withCluster(command)
      .option('--topic <name>')
      .option('--broker <id>')
      .option('--all-brokers', 'what all brokers share')
      .option('--group <id>')
  const describe = whose(config.command('describe'))
    .option('--all', 'defaults too')
    .action(async options => (await import('../commands/config.ts')).describe(options))
  examples(describe, ['ottla config describe --topic orders --all', 'ottla config describe --broker 1'])
  const alter = whose(config.command('alter'))
    .option('-s, --set <key=value>', 'may be repeated', collect)
    .option('-d, --delete <key>', 'back to the default; may be repeated', collect)
    .action(async options => (await import('../commands/config.ts')).alter(options))
  examples(alter, [
    'ottla config alter --topic orders --set retention.ms=60000',
    'ottla config alter --broker 1 --delete log.retention.ms',
  ])
}

function addPerf(program: Command): void {
  const perf = program.command('perf').description('How fast a cluster takes and gives records.')
  const load = (command: Command) =>
    withCluster(command).argument('<topic>').requiredOption('-n, --records <count>', 'how many', integer(1))
  const produce = load(perf.command('produce'))
    .option('-s, --size <bytes>', 'of each value', integer(1), 100)
    .option('--rate <per second>', 'no faster than this', integer(1))
    .option('--batch-size <bytes>', 'of a batch', integer(1), 131_072)
    .option('--linger <ms>', 'how long a batch is filled', integer(0), 5)
    .addOption(
      new Option('-z, --codec <name>', 'compression')
        .choices(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
        .default('none'),
    )
    .addOption(new Option('--acks <which>').choices(['all', '1', '0']).default('all'))
    .action(async (topic, options) => (await import('../commands/perf.ts')).produce(topic, options))
  examples(produce, [
    'ottla perf produce load -n 1000000 -s 100',
    'ottla perf produce load -n 60000 -s 1024 --rate 4000',
  ])
  load(perf.command('consume'))
    .option('--fetch-size <bytes>', 'of one partition in one fetch', integer(1), 1024 * 1024)
    .action(async (topic, options) => (await import('../commands/perf.ts')).consume(topic, options))
}

function addCompletion(program: Command): void {
  const completion = program
    .command('completion')
    .description('Print a script that completes commands and options.')
    .addArgument(new Argument('<shell>').choices([...SHELLS]))
    .action(shell => console.log(completionScript(program, shell)))
  examples(completion, [
    'source <(ottla completion bash)',
    'ottla completion zsh > ~/.zfunc/_ottla       with ~/.zfunc in fpath',
    'ottla completion fish > ~/.config/fish/completions/ottla.fish',
  ])
}
