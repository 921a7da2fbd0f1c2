/**
 * What the log costs: `node test/bench/log.ts [append|read|many|open]`.
 *
 * CPU time of all threads per operation beside wall time, the least of several rounds: the machine may be busy with other
 * things. `open` starts a process for each measurement, because memory is measured, too.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeWorld } from '@ottla/io'
import { DEFAULT_LOG_CONFIG, LogManager, type LogManagerOptions, type PartitionLog } from '@ottla/log'
import { encodeBatch } from '@ottla/protocol'

const ROUNDS = 5
const OPTIONS = { origin: 'client', leaderEpoch: 0, nowMs: 0 } as const
const root = mkdtempSync(join(tmpdir(), 'ottla-bench-log-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))

let folders = 0

async function openManager(
  options: Partial<LogManagerOptions> = {},
  dir = join(root, `${folders++}`),
): Promise<LogManager> {
  const world = nodeWorld({ logger: { level: 'error' } })
  const manager = await LogManager.open({ world, logDirs: [dir], nodeId: 1, clusterId: 'bench', ...options })
  await manager.load({ defaults: { ...DEFAULT_LOG_CONFIG, segmentBytes: 128 << 20 } })
  return manager
}

/** `bytes` of records of 100 bytes, or one record of less. */
function batchOf(bytes: number): Uint8Array {
  const size = Math.min(100, bytes - 70)
  const count = Math.max(1, Math.floor((bytes - 61) / (size + 8)))
  return encodeBatch(
    Array.from({ length: count }, () => ({ value: Buffer.alloc(size, 'x'), timestamp: 1_700_000_000_000 })),
  )
}

/** Runs `body` in rounds; it makes so many operations, of so many bytes each. */
async function measure(name: string, operations: number, bytes: number, body: () => Promise<void>): Promise<void> {
  let [wallUs, cpuUs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round <= ROUNDS; round++) {
    const cpu = process.cpuUsage()
    const startMs = performance.now()
    await body()
    const elapsedUs = (performance.now() - startMs) * 1000
    const { user, system } = process.cpuUsage(cpu)
    if (round === 0) continue
    wallUs = Math.min(wallUs, elapsedUs / operations)
    cpuUs = Math.min(cpuUs, (user + system) / operations)
  }
  const perGiB = bytes > 0 ? `${((cpuUs * 2 ** 30) / bytes / 1e6).toFixed(2).padStart(8)} CPU s/GiB` : ''
  console.log(
    `  ${name.padEnd(52)} ${wallUs.toFixed(2).padStart(9)} µs ${cpuUs.toFixed(2).padStart(9)} µs CPU ${perGiB}`,
  )
}

// -------------------------------------------------------------------------------------------------------------- append

/** Appends copies of `batch`, `perTurn` of them together, and waits for each turn's write. */
async function appendAll(
  log: PartitionLog,
  copies: Uint8Array[],
  perTurn: number,
  checksumsVerified: boolean,
): Promise<void> {
  for (let i = 0; i < copies.length; i += perTurn) {
    let last: Promise<void> | null = null
    for (const copy of copies.slice(i, i + perTurn)) {
      copy.fill(0, 0, 8)
      last = log.append(copy, { ...OPTIONS, checksumsVerified }).written
    }
    await last
  }
}

async function benchAppend(): Promise<void> {
  console.log('\nappend, and wait until it is written')
  for (const [bytes, count] of [
    [170, 4000],
    [1024, 4000],
    [16 * 1024, 2000],
    [256 * 1024, 200],
  ] as const) {
    const batch = batchOf(bytes)
    const copies = Array.from({ length: count }, () => Buffer.from(batch))
    for (const [label, perTurn, verified] of [
      ['one a turn', 1, false],
      ['one a turn, checksums verified before', 1, true],
      ['16 a turn', 16, false],
    ] as const) {
      const manager = await openManager()
      const log = await manager.getOrCreate({ topic: 't', partition: 0 }, null)
      await measure(`${batch.length} B, ${label}`, count, batch.length, () => appendAll(log, copies, perTurn, verified))
      await manager.close()
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------- read

async function benchRead(): Promise<void> {
  console.log('\nread, 1 MiB at a time from begin to end')
  for (const bytes of [170, 16 * 1024]) {
    for (const [label, tailCacheBytes] of [
      ['tail cache', 256 << 20],
      ['file', 0],
    ] as const) {
      const manager = await openManager({ tailCacheBytes })
      const log = await manager.getOrCreate({ topic: 't', partition: 0 }, null)
      const count = Math.floor((32 << 20) / bytes)
      const batch = batchOf(bytes)
      const copies = Array.from({ length: count }, () => Buffer.from(batch))
      await appendAll(log, copies, 64, true)
      const total = log.sizeInBytes
      const reads = Math.ceil(total / 2 ** 20)
      await measure(`batches of ${batch.length} B, ${label}`, reads, total / reads, async () => {
        for (let offset = 0; offset < log.logEndOffset; ) {
          offset = (await log.read(offset, { maxBytes: 2 ** 20 })).nextOffset
        }
      })
      const perBatch = log.logEndOffset / count
      const places = Array.from({ length: 1000 }, (_, i) => ((i * 7919) % count) * perBatch)
      await measure(`batches of ${batch.length} B, ${label}, one anywhere`, places.length, 0, async () => {
        for (const place of places) await log.read(place, { maxBytes: 1, minOneBatch: true })
      })
      await manager.close()
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------- many

async function benchMany(): Promise<void> {
  console.log('\nappend 1,024 B to each of many logs in one turn')
  for (const count of [1, 10, 100, 1000, 10_000]) {
    const manager = await openManager()
    const logs: PartitionLog[] = []
    for (let partition = 0; partition < count; partition++) {
      logs.push(await manager.getOrCreate({ topic: 't', partition }, null))
    }
    const batch = batchOf(1024)
    const copies = logs.map(() => Buffer.from(batch))
    const turns = Math.max(1, Math.floor(2000 / count))
    await measure(`${count} logs`, count * turns, batch.length, async () => {
      for (let turn = 0; turn < turns; turn++) {
        const written = logs.map((log, i) => {
          copies[i]!.fill(0, 0, 8)
          return log.append(copies[i]!, OPTIONS).written
        })
        await Promise.all(written)
      }
    })
    await manager.close()
  }
}

// ---------------------------------------------------------------------------------------------------------------- open

async function benchOpen(): Promise<void> {
  console.log('\n10,000 logs: a process each')
  for (const fill of ['empty', 'filled'] as const) {
    const dir = join(root, `open-${fill}`)
    for (const step of ['create', 'clean', 'unclean'] as const) {
      process.stdout.write(execFileSync(process.execPath, [import.meta.filename, 'open-step', dir, fill, step]))
    }
  }
}

/** `create` leaves with a clean stop, `clean` is killed: the next start finds what each has left. */
async function openStep(dir: string, fill: string, step: string): Promise<void> {
  const count = 10_000
  global.gc?.()
  const before = process.memoryUsage().rss
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  const manager = await openManager({}, dir)
  if (step === 'create') {
    const topicId = 'b3R0bGEtdGVzdC10b3BpYw'
    const created = Array.from({ length: count }, (_, partition) =>
      manager.getOrCreate({ topic: 't', partition }, topicId),
    )
    await Promise.all(created)
  }
  const elapsedMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpu)
  const rssMiB = (process.memoryUsage().rss - before) / 2 ** 20
  const cpuMs = (user + system) / 1000
  const what = step === 'create' ? 'create' : `open after a ${step === 'clean' ? 'clean stop' : 'kill'}`
  console.log(
    `  ${`${fill}, ${what}`.padEnd(40)} ${elapsedMs.toFixed(0).padStart(6)} ms ${cpuMs.toFixed(0).padStart(6)} ms CPU, +${rssMiB.toFixed(0)} MiB`,
  )
  if (step === 'create' && fill === 'filled') {
    const batch = batchOf(1024)
    await Promise.all(Array.from(manager.logs, log => log.append(Buffer.from(batch), OPTIONS).written))
  }
  if (step === 'create') await manager.close()
  process.exit(0)
}

const benches: Record<string, () => Promise<void>> = {
  append: benchAppend,
  read: benchRead,
  many: benchMany,
  open: benchOpen,
}
const [wanted, ...rest] = process.argv.slice(2)
if (wanted === 'open-step') await openStep(rest[0]!, rest[1]!, rest[2]!)
for (const [name, bench] of Object.entries(benches)) if (!wanted || wanted === name) await bench()
