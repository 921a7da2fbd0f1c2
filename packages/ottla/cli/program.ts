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
  addTransactions(program)
  addQuota(program)
  addCluster(program)
  addPerf(program)
  addTools(program)
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

/** For what can't be undone. */
function withYes(command: Command): Command {
  return command.option('-y, --yes', 'do not ask')
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
    .description('Make one.')
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
    .description('More partitions, other configs.')
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
    .description('Delete topics, with all that is in them.')
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
  const group = program
    .command('group')
    .description('Groups of all kinds: classic, consumer, share, streams, and simple ones, which are but offsets.')
  const run = () => import('../commands/group.ts')
  withCluster(group.command('list'))
    .description('All groups.')
    .addOption(
      new Option('-t, --type <types...>', 'only of these').choices([
        'classic',
        'consumer',
        'share',
        'streams',
        'simple',
      ]),
    )
    .option('-s, --state <states...>', 'only in these: Stable, Empty, ...')
    .action(async options => (await run()).list(options))
  withCluster(group.command('describe'))
    .description('How far it is, and how far behind.')
    .argument('<group>')
    .option('--members', 'who is in it, and with which partitions or tasks')
    .action(async (id, options) => (await run()).describe(id, options))
  const reset = withCluster(group.command('reset-offsets'))
    .alias('reset')
    .description('Move a group that has no members. Shows what would be done; --execute does it.')
    .argument('<group>')
    .option('-t, --topic <name[:partitions]>', 'may be repeated; by default all that it has offsets of', collect)
    .option('--to-earliest', 'to the first record that there is')
    .option('--to-latest', 'past the last')
    .option('--to-offset <offset>', 'to this offset, or to the nearest that there is', integer(0))
    .option('--to-datetime <date>', 'the first record that is not earlier', moment)
    .option('--by-duration <time>', 'so long ago: 30s, 15m, 2h, 7d, PT1H', duration)
    .option('--shift-by <count>', 'forward, or back if negative', integer(Number.MIN_SAFE_INTEGER))
    .option('--execute', 'do it')
    .action(async (id, options) => (await run()).resetOffsets(id, options))
  examples(reset, [
    'ottla group reset-offsets billing --to-datetime 2026-01-31',
    'ottla group reset-offsets billing -t orders --to-earliest',
    'ottla group reset-offsets billing -t orders:0,1 --by-duration 2h --execute',
  ])
  withYes(withCluster(group.command('forget')))
    .description('Delete what a group has committed of topics.')
    .argument('<group>')
    .requiredOption('-t, --topic <name[:partitions]>', 'may be repeated', collect)
    .action(async (id, options) => (await run()).forget(id, options))
  withCluster(group.command('delete'))
    .description('Delete groups that have no members, with what they have committed.')
    .argument('<groups...>')
    .action(async (ids, options) => (await run()).remove(ids, options))
}

function addConfig(program: Command): void {
  const config = program.command('config').description('Configuration of topics, brokers and groups while they run.')
  const whose = (command: Command) =>
    withCluster(command)
      .option('--topic <name>', 'a topic')
      .option('--broker <id>', 'one broker')
      .option('--all-brokers', 'what all brokers share')
      .option('--group <id>', 'a group')
      .option('--loggers <broker id>', "a broker's loggers")
      .option('--client-metrics <name>', 'which clients push which of their metrics')
  const describe = whose(config.command('describe'))
    .description('What is set, for whom, and where from.')
    .option('--all', 'defaults too')
    .action(async options => (await import('../commands/config.ts')).describe(options))
  examples(describe, ['ottla config describe --topic orders --all', 'ottla config describe --broker 1'])
  const alter = whose(config.command('alter'))
    .description('Set configs, or take them back.')
    .option('-s, --set <key=value>', 'may be repeated', collect)
    .option('-d, --delete <key>', 'back to the default; may be repeated', collect)
    .action(async options => (await import('../commands/config.ts')).alter(options))
  examples(alter, [
    'ottla config alter --topic orders --set retention.ms=60000',
    'ottla config alter --broker 1 --delete log.retention.ms',
  ])
}

function addTransactions(program: Command): void {
  const txn = program.command('txn').description('Transactions: list, describe, and end those that hang.')
  const run = () => import('../commands/txn.ts')
  withCluster(txn.command('list'))
    .description('Transactions and their states.')
    .option('--longer-than <time>', 'only those that are open so long: 30s, 15m', duration)
    .action(async options => (await run()).list(options))
  withCluster(txn.command('describe'))
    .description('Whose it is, since when, and which partitions are in it.')
    .argument('<transactional id>')
    .action(async (id, options) => (await run()).describe(id, options))
  withCluster(txn.command('producers'))
    .description('The producers that a partition knows.')
    .argument('<topic:partition>')
    .action(async (text, options) => (await run()).producers(text, options))
  const abort = withYes(withCluster(txn.command('abort')))
    .description('Abort what no coordinator ends, in one partition.')
    .argument('<topic:partition>')
    .requiredOption('--start-offset <offset>', 'where it begins: ottla txn producers tells', integer(0))
    .action(async (text, options) => (await run()).abort(text, options))
  examples(abort, ['ottla txn producers orders:0', 'ottla txn abort orders:0 --start-offset 4711'])
  withYes(withCluster(txn.command('terminate')))
    .description('Fence the producer of a transactional id, by which its transaction is aborted.')
    .argument('<transactional id>')
    .action(async (id, options) => (await run()).terminate(id, options))
}

function addQuota(program: Command): void {
  const quota = program.command('quota').description('How much users, clients and addresses may ask of the cluster.')
  const whose = (command: Command) =>
    withCluster(command)
      .option('--user <name>', 'a user')
      .option('--client <id>', 'a client, or with --user that client of the user')
      .option('--ip <address>', 'an address')
      .option('--default-user', 'users without their own')
      .option('--default-client', 'clients without their own')
      .option('--default-ip', 'addresses without their own')
  whose(quota.command('list'))
    .description('All of them, or those of one.')
    .action(async options => (await import('../commands/quota.ts')).list(options))
  const alter = whose(quota.command('alter'))
    .description('Set quotas of one, or take them back.')
    .option('-s, --set <quota=number>', 'may be repeated', collect)
    .option('-d, --delete <quota>', 'may be repeated', collect)
    .action(async options => (await import('../commands/quota.ts')).alter(options))
  examples(alter, [
    'ottla quota alter --user ada --set producer_byte_rate=1048576',
    'ottla quota alter --default-client --set request_percentage=50 --delete consumer_byte_rate',
    'ottla quota alter --ip 10.0.0.1 --set connection_creation_rate=10',
  ])
}

function addCluster(program: Command): void {
  withCluster(program.command('log-dirs'))
    .description('What lies in the log dirs of brokers, and how much room there is.')
    .option('--broker <id>', 'only this one', integer(0))
    .option('--topic <name>', 'its replicas')
    .option('--replicas', 'each replica')
    .action(async options => (await import('../commands/log-dirs.ts')).logDirs(options))
  const features = program.command('features').description('Features of the cluster and their levels.')
  withCluster(features.command('list'))
    .description('Which there are, and the levels that brokers could have.')
    .action(async options => (await import('../commands/features.ts')).list(options))
  const set = withYes(withCluster(features.command('set')))
    .description('Move features to other levels.')
    .argument('<feature=level...>')
    .option('--down', 'to a lower one')
    .option('--unsafe', 'to a lower one, even if metadata is lost by it')
    .option('--dry-run', 'say whether it could be done')
    .action(async (levels, options) => (await import('../commands/features.ts')).set(levels, options))
  examples(set, ['ottla features set group.version=1 --dry-run', 'ottla features set share.version=0 --down --yes'])
  const quorum = program.command('quorum').description('The quorum that keeps the metadata.')
  withCluster(quorum.command('describe'))
    .description('Who leads, who votes, and how far each is.')
    .action(async options => (await import('../commands/quorum.ts')).describe(options))
  withYes(withCluster(quorum.command('remove-voter')))
    .description('Take the vote of a node that will not come back.')
    .argument('<node>', 'its id', integer(0))
    .requiredOption('--directory <id>', 'the id of its metadata directory: ottla quorum describe tells')
    .action(async (id, options) => (await import('../commands/quorum.ts')).removeVoter(id, options))
}

function addTools(program: Command): void {
  const tools = program
    .command('tools')
    .description("Apache Kafka's command line tools: ottla kafka-topics --bootstrap-server ... --list, and all others.")
    .option('--dir <dir>', 'write kafka-topics.sh and so on there, which call ottla')
    .option('--force', "write over somebody else's scripts")
    .option('--json', 'print JSON')
    .action(async options => (await import('../commands/tools.ts')).tools(options))
  examples(tools, [
    'ottla kafka-topics --bootstrap-server localhost:9092 --create --topic orders --partitions 12',
    'ottla tools --dir ~/kafka/bin && export PATH=~/kafka/bin:$PATH && kafka-topics.sh --help',
  ])
}

function addPerf(program: Command): void {
  const perf = program.command('perf').description('How fast a cluster takes and gives records.')
  const load = (command: Command) =>
    withCluster(command).argument('<topic>').requiredOption('-n, --records <count>', 'how many', integer(1))
  const produce = load(perf.command('produce'))
    .description('Write records, and tell how fast that went.')
    .option('-s, --size <bytes>', 'of each value', integer(1), 100)
    .option('--rate <per second>', 'no faster than this', integer(1))
    .option('--batch-size <bytes>', 'of a batch', integer(1), 131_072)
    .option('--linger <ms>', 'how long a batch is filled', integer(0), 5)
    .addOption(
      new Option('-z, --codec <name>', 'compression')
        .choices(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
        .default('none'),
    )
    .addOption(
      new Option('--acks <which>', 'who has to have a record before it counts')
        .choices(['all', '1', '0'])
        .default('all'),
    )
    .action(async (topic, options) => (await import('../commands/perf.ts')).produce(topic, options))
  examples(produce, [
    'ottla perf produce load -n 1000000 -s 100',
    'ottla perf produce load -n 60000 -s 1024 --rate 4000',
  ])
  load(perf.command('consume'))
    .description('Read records, and tell how fast that went.')
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
