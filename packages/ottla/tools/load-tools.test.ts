/** The tools that write and read for a test's or a measurement's sake, against a cluster of ours. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createCluster, type EmbeddedCluster } from '../index.ts'
import { Command, type Finished, run } from '../testing/command.ts'

let cluster: EmbeddedCluster
let folder: string
before(async () => {
  cluster = await createCluster({
    topics: ['written', 'spread', 'ends', 'paid', 'shared', { name: 'halves', partitions: 2 }],
  })
  folder = mkdtempSync(join(tmpdir(), 'ottla-load-tools-'))
})
after(async () => {
  await cluster.close()
  rmSync(folder, { recursive: true })
})

const words = (line: string): string[] => [...line.split(' '), '--bootstrap-server', cluster.bootstrapServers]

function tool(line: string): Promise<Finished> {
  return run(words(line))
}

async function output(line: string): Promise<string> {
  const { code, stdout, stderr } = await tool(line)
  assert.equal(code, 0, `${line}: ${stdout}${stderr}`)
  return stdout
}

/** Of a verifiable tool: without the timestamps. */
function events(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map(line => {
      const { timestamp, ...event } = JSON.parse(line) as Record<string, unknown>
      assert.equal(typeof timestamp, 'number')
      return event
    })
}

test('kafka-verifiable-producer tells of each record, until it has sent so many', async () => {
  const told = events(await output('kafka-verifiable-producer --topic written --max-messages 2 --repeating-keys 5'))
  const { avg_throughput, ...data } = told.pop()!
  assert.equal(typeof avg_throughput, 'number')
  assert.deepEqual(
    [...told, data],
    [
      { name: 'startup_complete' },
      { name: 'producer_send_success', key: '0', value: '0', offset: 0, topic: 'written', partition: 0 },
      { name: 'producer_send_success', key: '1', value: '1', offset: 1, topic: 'written', partition: 0 },
      { name: 'shutdown_complete' },
      { name: 'tool_data', sent: 2, acked: 2, target_throughput: -1 },
    ],
  )
})

test('kafka-verifiable-producer without end stops on a signal, all acknowledged', async () => {
  const producer = new Command(words('kafka-verifiable-producer --topic ends --throughput 200'))
  await producer.says('"value":"20"')
  producer.child.kill('SIGTERM')
  const { code, stdout } = await producer.finished
  assert.equal(code, 143)
  const data = events(stdout).at(-1)!
  assert.equal(data.sent, data.acked)
})

test('kafka-producer-perf-test: a summary; transactions are committed', async () => {
  const summary =
    /^(\d+) records sent, \d+\.\d{6} records\/sec \(\d+\.\d\d MB\/sec\), \d+\.\d\d ms avg latency, .* 99\.9th\.$/m
  const plain = await output(
    'kafka-producer-perf-test --topic spread --num-records 500 --record-size 10 --throughput -1',
  )
  assert.equal(summary.exec(plain)?.[1], '500')
  const line = 'kafka-producer-perf-test --topic paid --num-records 60 --payload-monotonic --throughput 200'
  assert.equal(summary.exec(await output(`${line} --transaction-duration-ms 100`))?.[1], '60')
  const read = 'kafka-console-consumer --topic paid --from-beginning --max-messages 60 --isolation-level read_committed'
  assert.equal(await output(read), Array.from({ length: 60 }, (_, i) => `${i}\n`).join(''))
})

test('kafka-producer-perf-test takes values from a file', async () => {
  const path = join(folder, 'payloads')
  writeFileSync(path, 'a;b;c')
  const line = `kafka-producer-perf-test --topic spread --num-records 5 --payload-file ${path} --throughput -1`
  assert.match(await output(`${line} --payload-delimiter ;`), /^Number of records read: 3$/m)
  const { code, stderr } = await tool(line.replace(path, join(folder, 'none')))
  assert.deepEqual([code, stderr], [1, 'File does not exist or empty file provided.\n'])
})

test('kafka-e2e-latency: named options, or the older way without names', async () => {
  const named =
    '--topic measured --num-records 3 --producer-acks all --record-size 8 --num-headers 1 --record-header-size -1'
  const first = await output(`kafka-e2e-latency ${named} --record-header-key-size 2`)
  const [made, zero, average, percentiles] = first.split('\n')
  assert.equal(
    made,
    'Topic "measured" does not exist. Will create topic with 1 partition(s) and replication factor = 1',
  )
  assert.match(zero!, /^0\t\d+\.\d+$/)
  assert.match(average!, /^Avg latency: \d+\.\d{4} ms$/)
  assert.match(percentiles!, /^Percentiles: 50th = \d+, 99th = \d+, 99\.9th = \d+$/)
  const { code, stdout } = await run(['kafka-e2e-latency', cluster.bootstrapServers, 'measured', '1', '1', '8'])
  assert.equal(code, 0)
  assert.match(stdout, /^WARNING: Positional argument usage is deprecated .*\n0\t/)
})

test('kafka-replica-verification tells how far all replicas are the same, until it is stopped', async () => {
  const line = 'kafka-replica-verification --topics-include written --time -2 --report-interval-ms 50 --broker-list'
  const verification = new Command([...line.split(' '), cluster.bootstrapServers])
  await verification.says(/max lag is 0 for partition written-0 at offset 2 among 1 partitions/)
  verification.child.kill('SIGTERM')
  const { code, stdout } = await verification.finished
  assert.equal(code, 143)
  assert.match(stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: verification process is started\n/)
})

for (const protocol of ['classic', 'consumer']) {
  test(`kafka-verifiable-consumer, ${protocol}: records, commits, and the end`, async () => {
    const line = `kafka-verifiable-consumer --topic paid --group-id one-${protocol} --group-protocol ${protocol}`
    const told = events(await output(`${line} --max-messages 5`))
    const partitions = [{ topic: 'paid', partition: 0 }]
    const offsets = [{ topic: 'paid', partition: 0, offset: 5 }]
    const { count: _, ...consumed } = told[2]!
    const of = { topic: 'paid', partition: 0, count: 5, minOffset: 0, maxOffset: 4 }
    assert.deepEqual(
      [...told.slice(0, 2), consumed, ...told.slice(3)],
      [
        { name: 'startup_complete' },
        { name: 'partitions_assigned', partitions },
        { name: 'records_consumed', partitions: [of] },
        { name: 'offsets_committed', offsets, success: true },
        { name: 'partitions_revoked', partitions },
        { name: 'shutdown_complete' },
        { name: 'shutdown_requested' },
      ],
    )
  })

  test(`kafka-verifiable-consumer, ${protocol}: two share a topic, and the one that stays gets it all back`, async () => {
    const line = `kafka-verifiable-consumer --topic halves --group-id both-${protocol} --group-protocol ${protocol}`
    const quick = protocol === 'classic' ? `${line} --session-timeout 6000` : line
    const first = new Command(words(quick))
    await first.says(/partitions_assigned.*"partition":0.*"partition":1/)
    const second = new Command(words(quick))
    await second.says(/partitions_assigned.*"partition":\d/)
    second.child.kill('SIGTERM')
    const left = await second.finished
    assert.equal(left.code, 143)
    const end = events(left.stdout).slice(-3)
    assert.deepEqual(
      end.map(({ name }) => name),
      ['shutdown_requested', 'partitions_revoked', 'shutdown_complete'],
    )
    // Both (classic), or the one that it had given away (consumer).
    const back =
      protocol === 'classic'
        ? /(partitions_assigned.*\n[\s\S]*){3}/
        : /partitions_revoked.*\n[\s\S]*partitions_assigned/
    await first.says(back)
    first.child.kill('SIGTERM')
    assert.equal((await first.finished).code, 143)
  })
}

test('kafka-consumer-perf-test: figures of all that was read, or of what came in time', async () => {
  const figures = /^\d{4}-\d\d-\d\d [\d:]+, \d{4}-\d\d-\d\d [\d:]+, (?:[\d.]+, ){7}[\d.]+$/m
  const all = await output('kafka-consumer-perf-test --topic spread --num-records 500')
  assert.match(all, /^start\.time, end\.time, data\.consumed\.in\.MB, /)
  assert.match(all, figures)
  const less = await output(
    'kafka-consumer-perf-test --topic spread --num-records 1000 --timeout 500 --hide-header --command-property group.protocol=consumer',
  )
  assert.match(less, /^WARNING: Exiting before consuming the expected number of records: timeout \(500 ms\) exceeded\./)
  assert.match(less, figures)
})

test('share consumers: records are released, delivered again, accepted; figures; events', async () => {
  await output('kafka-verifiable-producer --topic shared --max-messages 6')
  await output('kafka-configs --alter --group sharers --add-config share.auto.offset.reset=earliest')
  const read = 'kafka-console-share-consumer --topic shared --group sharers --formatter-property print.delivery=true'
  assert.equal(await output(`${read} --max-messages 2 --release`), 'Delivery:1\t0\nDelivery:1\t1\n')
  assert.equal(await output(`${read} --max-messages 2 --reject`), 'Delivery:2\t0\nDelivery:2\t1\n')
  const left = await output(
    'kafka-share-consumer-perf-test --topic shared --group sharers --num-records 4 --hide-header',
  )
  assert.match(left, /^[\d-]+ [\d:]+, [\d-]+ [\d:]+, 0\.0000, 0\.0000, \d+\.\d{4}, 4, \d+\n$/)
  assert.equal(await output(`${read} --timeout-ms 300`), '')
  const told = events(
    await output(
      'kafka-verifiable-share-consumer --topic shared --group-id others --max-messages 6 --offset-reset-strategy earliest',
    ),
  )
  const partitions = [{ topic: 'shared', partition: 0, count: 6, offsets: [0, 1, 2, 3, 4, 5] }]
  assert.deepEqual(told, [
    { name: 'startup_complete' },
    { name: 'offset_reset_strategy_set', offsetResetStrategy: 'earliest' },
    { name: 'records_consumed', count: 6, partitions },
    { name: 'offsets_acknowledged', count: 6, partitions, success: true },
    { name: 'shutdown_complete' },
  ])
})

const WRONG: Readonly<Record<string, string>> = {
  'kafka-verifiable-producer --topic written --acks 5':
    "verifiable-producer: error: argument --acks: invalid choice: '5' (choose from {0,1,-1})",
  'kafka-producer-perf-test --topic written --num-records 1 --throughput 1 --record-size 0':
    'kafka-producer-perf-test: error: --record-size should be greater than zero.',
}

for (const [line, message] of Object.entries(WRONG)) {
  test(`${line}: it is told what is wrong`, async () => {
    const { code, stdout, stderr } = await tool(line)
    assert.deepEqual([code, stdout], [1, ''])
    assert.ok(stderr.includes(message), stderr)
  })
}
