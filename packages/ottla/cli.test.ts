import assert from 'node:assert/strict'
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createCluster, type EmbeddedCluster } from './index.ts'
import { Command, type Finished, type RunOptions, run } from './testing/command.ts'

let cluster: EmbeddedCluster
before(async () => {
  cluster = await createCluster()
})
after(() => cluster.close())

/** Against the cluster of these tests. */
function ottla(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(args, { ...options, env: { OTTLA_BOOTSTRAP_SERVER: cluster.bootstrapServers, ...options.env } })
}

async function json<T = Record<string, unknown>[]>(args: readonly string[], options?: RunOptions): Promise<T> {
  const { code, stdout, stderr } = await ottla([...args, '--json'], options)
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return JSON.parse(stdout) as T
}

/** Set for the topic itself. */
async function ownConfigs(topic: string): Promise<Record<string, unknown>[]> {
  return (await json(['config', 'describe', '--topic', topic])).filter(({ source }) => source === 'topic')
}

/** One value for each line of JSON. */
function values(stdout: string): string[] {
  return stdout
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => (JSON.parse(line) as { value: string }).value)
}

async function fill(topic: string, lines: readonly string[]): Promise<void> {
  const { code, stderr } = await ottla(['produce', topic], { input: `${lines.join('\n')}\n` })
  assert.equal(code, 0, stderr)
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i))

describe('start', () => {
  test('prints the address alone on stdout, serves, and ends in order on SIGTERM', async () => {
    const broker = new Command(['start', '--port', '0', '--memory'])
    await broker.says(/\n/)
    const address = broker.stdout.trim()
    assert.match(address, /^127\.0\.0\.1:\d+$/)
    assert.match(broker.stderr, /in memory/)
    const made = await run(['topic', 'create', 'a', '-b', address])
    assert.equal(made.code, 0, made.stderr)
    broker.child.kill('SIGTERM')
    const { code, stdout } = await broker.finished
    assert.equal(code, 0)
    assert.equal(stdout, `${address}\n`)
  })

  test('takes relative folders from where it is started', async () => {
    const data = await mkdtemp(join(tmpdir(), 'ottla-'))
    const folders = [
      `--set=log.dirs=${relative(process.cwd(), join(data, 'a'))}`,
      `--set=metadata.log.dir=${relative(process.cwd(), join(data, 'm'))}`,
    ]
    try {
      const broker = new Command(['start', '--port', '0', ...folders])
      await broker.says(/\n/)
      broker.child.kill('SIGTERM')
      assert.equal((await broker.finished).code, 0)
      assert.deepEqual((await readdir(data)).sort(), ['a', 'm'])
    } finally {
      await rm(data, { recursive: true })
    }
  })

  test('keeps its data in the folder it is given', async () => {
    const data = await mkdtemp(join(tmpdir(), 'ottla-'))
    try {
      for (const [round, name] of ['first', 'second'].entries()) {
        const broker = new Command(['start', '--port', '0', '--data', data])
        await broker.says(/\n/)
        const server = ['-b', broker.stdout.trim()]
        assert.equal((await run(['produce', 'kept', ...server], { input: `${name}\n` })).code, 0)
        const { stdout } = await run(['consume', 'kept', '--exit-at-end', ...server])
        assert.equal(stdout, ['first\n', 'first\nsecond\n'][round])
        broker.child.kill('SIGINT')
        assert.equal((await broker.finished).code, 0)
      }
      const info = await run(['storage', 'info', '--data', data, '--json'])
      assert.equal((JSON.parse(info.stdout) as unknown[]).length, 1)
      const again = await run(['storage', 'format', '--data', data])
      assert.deepEqual([again.code, again.stdout], [1, ''])
      assert.match(again.stderr, /formatted already/)
    } finally {
      await rm(data, { recursive: true })
    }
  })
})

describe('start, where something is wrong', () => {
  test('a configuration that is wrong is told with its key, all of it at once', async () => {
    const { code, stdout, stderr } = await run([
      ...['start', '--memory', '--port', '0', '--set', 'num.partitions=many', '--set', 'log.retention.hours=x'],
    ])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /num\.partitions/)
    assert.match(stderr, /log\.retention\.hours/)
    assert.doesNotMatch(stderr, / {4}at /, 'no stack')
  })

  test('a port that is taken is a failure that names it', async () => {
    const port = cluster.bootstrapServers.split(':')[1]!
    const { code, stderr } = await run(['start', '--memory', '--port', port])
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(port))
    assert.match(stderr, /--port 0/, 'what to do')
    assert.doesNotMatch(stderr, / {4}at /, 'no stack')
  })

  test('what cannot be used as a folder is told in a line or two, with what to do', async () => {
    const data = await mkdtemp(join(tmpdir(), 'ottla-'))
    const start = ['start', '--port', '0', '--data']
    try {
      const made = ['storage', 'format', '--data', data, '--cluster-id', 'MkU3OEVBNTcwNTJENDM2Qg']
      assert.equal((await run(made)).code, 0)
      await writeFile(join(data, 'file'), '')
      const cases = [
        [await run([...start, join(data, 'file')]), /file.*not a directory \(ENOTDIR\)\n$/],
        [await run([...start, data, '--set', 'node.id=2']), /of node 1, this is node 2; .*--data/],
        [await run([...start, data], { env: { CLUSTER_ID: 'b3R0bGEtdGVzdC10b3BpYw' } }), /of cluster MkU3.*CLUSTER_ID/],
      ] as const
      for (const [{ code, stdout, stderr }, says] of cases) {
        assert.deepEqual([code, stdout], [1, ''], stderr)
        assert.match(stderr, says)
        assert.doesNotMatch(stderr, / {4}at /, 'no stack')
      }
    } finally {
      await rm(data, { recursive: true })
    }
  })

  test('says what to type in another terminal, which npm has not set up', async () => {
    const project = join(import.meta.dirname, '../..')
    const script = { npm_lifecycle_event: 'start', npm_config_local_prefix: project }
    const broker = new Command(['start', '--port', '0', '--memory'], { env: script })
    await broker.says(/\n/)
    const exported = /export PATH=(\S+):\$PATH OTTLA_BOOTSTRAP_SERVER=(\S+)\n/.exec(broker.stderr)
    broker.child.kill('SIGTERM')
    await broker.finished
    assert.equal(exported?.[2], broker.stdout.trim())
    await access(join(exported![1]!, 'ottla'))
  })

  test('--config takes a server.properties; a file that is not there is a failure', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ottla-'))
    try {
      const file = join(folder, 'server.properties')
      const lines = [
        'process.roles=broker,controller',
        'node.id=1',
        'listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0',
        'controller.listener.names=CONTROLLER',
        'controller.quorum.voters=1@127.0.0.1:9093',
        `log.dirs=${folder}`,
        'num.partitions=7',
      ]
      await writeFile(file, `${lines.join('\n')}\n`)
      const broker = new Command(['start', '--memory', '--config', file])
      await broker.says(/\n/)
      const described = await run(['config', 'describe', '--broker', '1', '--json', '-b', broker.stdout.trim()])
      broker.child.kill('SIGTERM')
      await broker.finished
      const configs = JSON.parse(described.stdout) as { name: string; value: string }[]
      assert.equal(configs.find(({ name }) => name === 'num.partitions')?.value, '7')
      const missing = await run(['start', '--memory', '--config', join(folder, 'nothing')])
      assert.equal(missing.code, 1)
      assert.match(missing.stderr, /nothing/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('topic and config', () => {
  test('create, list, describe, alter and delete', async () => {
    assert.deepEqual(await json(['topic', 'create', 'life', '-p', '2', '-c', 'retention.ms=60000']), {
      topic: 'life',
      created: true,
      partitions: 2,
      replicationFactor: 1,
    })
    const row = { topic: 'life', partitions: 2, replicas: 1, internal: false }
    assert.deepEqual(
      (await json(['topic', 'list'])).filter(({ topic }) => topic === 'life'),
      [row],
    )
    assert.deepEqual(
      await json(['topic', 'describe', 'life']),
      [0, 1].map(partition => ({ topic: 'life', partition, leader: 1, replicas: [1], isr: [1], problem: null })),
    )
    await json(['topic', 'alter', 'life', '-p', '3', '-c', 'segment.ms=100000', '--delete-config', 'retention.ms'])
    assert.equal((await json(['topic', 'describe', 'life'])).length, 3)
    assert.deepEqual(await ownConfigs('life'), [{ name: 'segment.ms', value: '100000', source: 'topic' }])
    await json(['config', 'alter', '--topic', 'life', '--delete', 'segment.ms', '--set', 'retention.ms=7'])
    assert.deepEqual(await ownConfigs('life'), [{ name: 'retention.ms', value: '7', source: 'topic' }])
    assert.ok((await json(['config', 'describe', '--topic', 'life', '--all'])).length > 20)
    assert.deepEqual(await json(['topic', 'delete', 'life']), { topic: 'life', deleted: true })
    assert.equal((await ottla(['topic', 'describe', 'life'])).code, 1)
    assert.deepEqual(await json(['topic', 'delete', 'life', '--if-exists']), { topic: 'life', deleted: false })
  })

  test('--if-not-exists', async () => {
    assert.equal((await ottla(['topic', 'create', 'once'])).code, 0)
    const second = await ottla(['topic', 'create', 'once'])
    assert.equal(second.code, 1)
    assert.match(second.stderr, /once/)
    assert.deepEqual(await json(['topic', 'create', 'once', '--if-not-exists']), { topic: 'once', created: false })
  })

  test('configs of brokers and groups', async () => {
    await json(['config', 'alter', '--all-brokers', '--set', 'log.retention.ms=123456'])
    const brokers = await json(['config', 'describe', '--broker', '1'])
    assert.ok(brokers.some(({ name, value }) => name === 'log.retention.ms' && value === '123456'))
    await json(['config', 'alter', '--all-brokers', '--delete', 'log.retention.ms'])
    await json(['config', 'alter', '--group', 'some', '--set', 'consumer.session.timeout.ms=50000'])
    assert.deepEqual(await json(['config', 'describe', '--group', 'some']), [
      { name: 'consumer.session.timeout.ms', value: '50000', source: 'group' },
    ])
  })
})

describe('produce and consume', () => {
  test('keys, headers and JSON go in and come out', async () => {
    await ottla(['produce', 'kv', '-k', ':', '-H', 'h=1', '-z', 'zstd'], { input: 'a:1\nb:2:3\nnone\n' })
    const { stdout } = await ottla(['consume', 'kv', '--exit-at-end', '--print-key'])
    assert.equal(stdout, 'a\t1\nb\t2:3\nnull\tnone\n')
    const { stdout: lines } = await ottla(['consume', 'kv', '--exit-at-end', '--json'])
    const first = JSON.parse(lines.split('\n')[0]!) as Record<string, unknown>
    assert.deepEqual(
      { ...first, timestamp: 0 },
      {
        topic: 'kv',
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: 'a',
        value: '1',
        headers: { h: '1' },
      },
    )
    assert.equal((await ottla(['produce', 'copy', '--json'], { input: lines })).code, 0)
    const { stdout: copied } = await ottla(['consume', 'copy', '--exit-at-end', '--json'])
    assert.equal(copied.replaceAll('"copy"', '"kv"'), lines)
  })

  test('--from an offset, the end, a date; --count', async () => {
    await fill('from', numbers(0, 5))
    const read = async (...args: string[]): Promise<string> => (await ottla(['consume', 'from', '-e', ...args])).stdout
    assert.equal(await read('-f', '3'), '3\n4\n')
    assert.equal(await read('-f', 'end'), '')
    assert.equal(await read('-f', '1970-01-01', '-n', '2'), '0\n1\n')
    assert.equal(await read('-f', '2100-01-01'), '')
    assert.equal(await read('-P', '0', '-n', '1'), '0\n')
  })

  test('in a group -n commits what was printed and no more', async () => {
    await fill('counted', numbers(0, 10))
    const take = async (count: number): Promise<string[]> =>
      values((await ottla(['consume', 'counted', '-g', 'counting', '-n', String(count), '--json'])).stdout)
    assert.deepEqual(await take(3), numbers(0, 3))
    assert.deepEqual(await json(['group', 'describe', 'counting']), [
      { group: 'counting', topic: 'counted', partition: 0, committed: 3, end: 10, lag: 7 },
    ])
    assert.deepEqual(await take(5), numbers(3, 8))
    assert.deepEqual(await take(2), numbers(8, 10))
  })

  test('the same with several partitions: each record once', async () => {
    await json(['topic', 'create', 'spread', '-p', '3'])
    for (const partition of ['0', '1', '2']) {
      await ottla(['produce', 'spread', '-P', partition], {
        input: numbers(0, 4)
          .map(n => `${partition}-${n}\n`)
          .join(''),
      })
    }
    const seen: string[] = []
    for (const count of [5, 1, 6]) {
      const { stdout } = await ottla(['consume', 'spread', '-g', 'spreading', '-n', String(count), '--json'])
      seen.push(...values(stdout))
    }
    assert.equal(seen.length, 12)
    assert.equal(new Set(seen).size, 12)
  })

  test('a group member that is interrupted leaves the group, and at once', async () => {
    await fill('left', ['x'])
    const member = new Command(['consume', 'left', '-g', 'leaving', '-b', cluster.bootstrapServers])
    await member.says('x\n')
    const startedMs = performance.now()
    member.child.kill('SIGINT')
    assert.equal((await member.finished).code, 0)
    assert.ok(performance.now() - startedMs < 2500, 'no timer keeps it')
    assert.deepEqual(await json(['group', 'describe', 'leaving', '--members']), [])
  })
})

describe('group', () => {
  test('list, reset-offsets and delete', async () => {
    await fill('reset', numbers(0, 6))
    await ottla(['consume', 'reset', '-g', 'resetting', '-n', '4'])
    assert.ok((await json(['group', 'list'])).some(({ group, state }) => group === 'resetting' && state === 'Empty'))
    const reset = (...args: string[]) => json(['group', 'reset-offsets', 'resetting', '-t', 'reset', ...args])
    const move = (to: number) => [{ group: 'resetting', topic: 'reset', partition: 0, from: 4, to }]
    assert.deepEqual(await reset('--to-earliest'), move(0), 'only shown')
    assert.deepEqual(await reset('--to-latest'), move(6))
    assert.deepEqual(await reset('--to-offset', '99'), move(6))
    assert.deepEqual(await reset('--shift-by=-3'), move(1))
    assert.deepEqual(await reset('--by-duration', '1h'), move(0))
    assert.deepEqual(await reset('--to-datetime', '2100-01-01'), move(6))
    assert.deepEqual(await reset('--to-offset', '2', '--execute'), move(2))
    const { stdout } = await ottla(['consume', 'reset', '-g', 'resetting', '-n', '1'])
    assert.equal(stdout, '2\n')
    const all = await json(['group', 'reset-offsets', 'resetting', '--to-earliest'])
    assert.deepEqual(all, [{ group: 'resetting', topic: 'reset', partition: 0, from: 3, to: 0 }])
    const nothing = await ottla(['group', 'reset-offsets', 'nobody', '--to-earliest'])
    assert.equal(nothing.code, 1)
    assert.match(nothing.stderr, /nobody has no offsets yet.*--topic/)
    assert.deepEqual(await json(['group', 'delete', 'resetting']), { group: 'resetting', deleted: true })
    assert.equal((await ottla(['group', 'delete', 'resetting'])).code, 1)
  })
})

test('perf says how fast it was', async () => {
  await json(['topic', 'create', 'load'])
  const produced = await json<Record<string, number>>(['perf', 'produce', 'load', '-n', '2000', '-s', '50'])
  assert.equal(produced.records, 2000)
  assert.ok(produced['records/s']! > 0)
  const consumed = await json<Record<string, number>>(['perf', 'consume', 'load', '-n', '2000'])
  assert.equal(consumed.records, 2000)
  const tooMany = await ottla(['perf', 'consume', 'load', '-n', '2001'])
  assert.equal(tooMany.code, 1)
})

// ------------------------------------------------------------------------------------------------------------- usage

const WRONG: Record<string, [args: readonly string[], says: RegExp]> = {
  'no command': [[], /Usage: ottla/],
  'an unknown command': [['topik'], /topic/],
  'an unknown subcommand': [['topic', 'lst'], /list/],
  'an unknown option': [['start', '--prot', '1'], /--port/],
  'a missing argument': [['topic', 'create'], /name/],
  'memory and a folder': [['start', '--memory', '--data', 'x'], /--data/],
  'no number': [['topic', 'create', 'a', '-p', 'many'], /whole number/],
  'a number out of range': [['start', '--port', '70000'], /0 to 65535/],
  'no choice': [['produce', 'a', '-z', 'zip'], /gzip/],
  'no key=value': [['topic', 'create', 'a', '-c', 'retention'], /key=value/],
  'no address': [['topic', 'list', '-b', 'host:port:more'], /host:port/],
  'nothing to alter': [['topic', 'alter', 'a'], /--partitions/],
  'no resource': [['config', 'describe'], /--topic/],
  'two resources': [['config', 'describe', '--topic', 'a', '--broker', '1'], /one of/],
  'no place to reset to': [['group', 'reset-offsets', 'g', '-t', 'a'], /--to-earliest/],
  'no date': [['group', 'reset-offsets', 'g', '-t', 'a', '--to-datetime', 'soon'], /date/],
  'no beginning': [['consume', 'a', '--from', 'middle'], /beginning/],
  'options that do not go together': [['consume', 'a', '-g', 'g', '-e'], /--group/],
  'no cluster id': [['storage', 'format', '--memory'], /memory/],
  'no shell': [['completion', 'cmd'], /bash/],
}

for (const [what, [args, says]] of Object.entries(WRONG)) {
  test(`wrong usage, ${what}: exit code 2, and what to do`, async () => {
    const { code, stdout, stderr } = await ottla(args)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, says)
    assert.doesNotMatch(stderr, / {4}at /, 'no stack')
  })
}

const FAILING: Record<string, readonly string[]> = {
  'a topic that is not there': ['topic', 'describe', 'nothing'],
  'a bad topic name': ['topic', 'create', 'a/b'],
  'an unknown topic config': ['topic', 'create', 'a', '-c', 'no.such=1'],
  'a group that is not there': ['group', 'describe', 'nobody'],
  'no broker': ['topic', 'list', '-b', '127.0.0.1:1'],
  'a partition that is not there': ['consume', 'from', '-P', '9', '-e'],
}

for (const [what, args] of Object.entries(FAILING)) {
  test(`failure, ${what}: exit code 1, one line`, async () => {
    const { code, stdout, stderr } = await ottla(args)
    assert.deepEqual([code, stdout], [1, ''], stderr)
    assert.match(stderr, /^ottla: [^\n]+\n$/)
  })
}

test('help, version and completion are on stdout', async () => {
  for (const [args, says] of [
    [['--help'], /Usage: ottla/],
    [['topic', 'create', '--help'], /Examples:/],
    [['--version'], /^\d+\.\d+\.\d+/],
    [['completion', 'bash'], /complete /],
    [['completion', 'zsh'], /#compdef/],
    [['completion', 'fish'], /complete -c ottla/],
  ] as const) {
    const { code, stdout, stderr } = await run(args)
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
    assert.match(stdout, says)
  }
})
