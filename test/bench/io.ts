/**
 * What the world costs: `node test/bench/io.ts [disk|network]`.
 *
 * Disk: appending to a file, by way of the thread pool and in the calling turn, each against the bare call of node:fs.
 * Network: echo over loopback, our connections against bare sockets, the client a process of its own.
 *
 * Wall time and CPU time (all threads of this process) per operation, the median of several rounds that alternate
 * between the variants, so that a noisy machine is unfair to all of them alike.
 */
import { execFile } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writev, writevSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nodeWorld } from '@ottla/io'
import { memoryWorld } from '@ottla/io/memory'

interface Sample {
  readonly wallUs: number
  readonly cpuUs: number
}

const ROUNDS = 5

async function measure(operations: number, body: () => Promise<void>): Promise<Sample> {
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  await body()
  const wallUs = ((performance.now() - startMs) * 1000) / operations
  const { user, system } = process.cpuUsage(cpu)
  return { wallUs, cpuUs: (user + system) / operations }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Each variant once per round; the first round warms up and does not count. */
async function compare(title: string, variants: Record<string, () => Promise<Sample>>): Promise<void> {
  const samples = new Map<string, Sample[]>(Object.keys(variants).map(name => [name, []]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(variants)) {
      const sample = await run()
      if (round > 0) samples.get(name)!.push(sample)
    }
  }
  console.log(`\n${title}`)
  for (const [name, list] of samples) {
    const wall = median(list.map(sample => sample.wallUs))
    const cpu = median(list.map(sample => sample.cpuUs))
    const perSecond = Math.round(1e6 / wall).toLocaleString('en')
    console.log(
      `  ${name.padEnd(42)} ${wall.toFixed(1).padStart(8)} µs ${cpu.toFixed(1).padStart(8)} µs CPU ${perSecond.padStart(10)}/s`,
    )
  }
}

// ----------------------------------------------------------------------------------------------------------- disk

type Append = (chunks: Uint8Array[], position: number) => Promise<void>

async function appending(append: Append, writeBytes: number, atOnce: number): Promise<Sample> {
  const operations = Math.min(8000, Math.floor((128 * 1024 * 1024) / writeBytes))
  // As the log writes: a few batches, gathered in one turn.
  const chunks = Array.from({ length: 4 }, (_, i) => Buffer.alloc(writeBytes / 4, i))
  return measure(operations, async () => {
    for (let done = 0; done < operations; done += atOnce) {
      if (atOnce === 1) await append(chunks, done * writeBytes)
      else await Promise.all(Array.from({ length: atOnce }, (_, i) => append(chunks, (done + i) * writeBytes)))
    }
  })
}

async function disk(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'ottla-bench-'))
  let files = 0
  const ours = (inlineWriteBytes: number) => async (writeBytes: number, atOnce: number) => {
    const { disk } = nodeWorld({ disk: { inlineWriteBytes } })
    const file = await disk.open(`${root}/${files++}`, 'create')
    const sample = await appending((chunks, position) => file.write(chunks, position), writeBytes, atOnce)
    await file.close()
    await disk.remove(file.path)
    return sample
  }
  const bare = (append: (fd: number) => Append) => async (writeBytes: number, atOnce: number) => {
    const path = `${root}/${files++}`
    const fd = openSync(path, 'w')
    const sample = await appending(append(fd), writeBytes, atOnce)
    closeSync(fd)
    rmSync(path)
    return sample
  }
  const writevLater = promisify(writev)
  const variants = {
    writevSync: bare(fd => async (chunks, position) => void writevSync(fd, chunks, position)),
    'DiskFile.write in the calling turn': ours(16 * 1024 * 1024),
    'writev in the thread pool': bare(fd => async (chunks, position) => void (await writevLater(fd, chunks, position))),
    'DiskFile.write in the thread pool': ours(0),
  }
  for (const [writeBytes, atOnce] of [
    [1024, 1],
    [16 * 1024, 1],
    [16 * 1024, 16],
    [256 * 1024, 1],
    [1024 * 1024, 1],
  ] as const) {
    const runs = Object.entries(variants).map(([name, run]) => [name, () => run(writeBytes, atOnce)] as const)
    await compare(`append ${writeBytes / 1024} KiB, ${atOnce} at once`, Object.fromEntries(runs))
  }
  rmSync(root, { recursive: true })
}

// -------------------------------------------------------------------------------------------------------- network

type Reply = (bytes: Buffer) => void

/** Calls `reply` for each whole request of `size` bytes. */
function requests(size: number, reply: Reply): Reply {
  let rest: Buffer = Buffer.alloc(0)
  return bytes => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (; rest.length >= size; rest = rest.subarray(size)) reply(rest.subarray(0, size))
  }
}

/** A header and a body, as every response has. */
const split = (bytes: Buffer): Buffer[] => [bytes.subarray(0, 64), bytes.subarray(64)]

interface Echo {
  readonly port: number
  stop(): void
}

const servers: Record<string, (size: number) => Promise<Echo>> = {
  'bare socket, one write': async size => {
    const server = createServer({ noDelay: true, keepAlive: true }, socket => {
      socket
        .on('error', () => {})
        .on('data', requests(size, bytes => socket.write(bytes)) as (data: Buffer | string) => void)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return { port: (server.address() as { port: number }).port, stop: () => server.close() }
  },
  'Connection, one chunk': size => ourEcho(size, bytes => [bytes]),
  'Connection, two chunks': size => ourEcho(size, split),
}

async function ourEcho(size: number, chunks: (bytes: Buffer) => Buffer[]): Promise<Echo> {
  const listener = await nodeWorld().network.listen({ host: '127.0.0.1', port: 0 }, connection => {
    const onData = requests(size, bytes => connection.write(chunks(bytes)))
    connection.start({ onData, onDrain: () => {}, onClose: () => {} })
  })
  return { port: listener.port, stop: () => void listener.close() }
}

async function network(): Promise<void> {
  for (const [size, depth, connections, total] of [
    [1024, 1, 1, 10_000],
    [1024, 32, 4, 60_000],
    [64 * 1024, 4, 2, 6000],
  ] as const) {
    const runs = Object.entries(servers).map(
      ([name, serve]) => [name, () => echo(serve, size, depth, connections, total)] as const,
    )
    const title = `echo ${size / 1024} KiB over loopback, ${connections} connections, ${depth} in flight on each; the server's CPU`
    await compare(title, Object.fromEntries(runs))
  }
  await compare('echo 1 KiB in memory, 1 connection, 32 in flight; both sides', {
    'MemoryNetwork, real time': memoryEcho,
  })
}

async function echo(
  serve: (size: number) => Promise<Echo>,
  size: number,
  depth: number,
  connections: number,
  total: number,
): Promise<Sample> {
  const server = await serve(size)
  const args = ['client', server.port, size, depth, connections, total].map(String)
  const cpu = process.cpuUsage()
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, ...args])
  const { user, system } = process.cpuUsage(cpu)
  server.stop()
  return { wallUs: (Number(stdout) * 1000) / total, cpuUs: (user + system) / total }
}

/** The other process: keeps `depth` requests in flight on each connection; prints how many milliseconds it took. */
async function client(port: number, size: number, depth: number, connections: number, total: number): Promise<void> {
  const request = Buffer.alloc(size, 'x')
  const each = total / connections
  const startMs = performance.now()
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', reject)
      let sent = 0
      let received = 0
      const fill = (): void => {
        socket.cork()
        for (; sent < Math.min(each, Math.floor(received / size) + depth); sent++) socket.write(request)
        socket.uncork()
      }
      socket.on('connect', fill).on('data', bytes => {
        received += bytes.length
        fill()
        if (received < each * size) return
        socket.destroy()
        resolve()
      })
    })
  await Promise.all(Array.from({ length: connections }, run))
  console.log(performance.now() - startMs)
}

async function memoryEcho(): Promise<Sample> {
  const { network } = memoryWorld({ clock: 'real' })
  const total = 60_000
  const request = Buffer.alloc(1024)
  const listener = await network.listen({ host: 'localhost', port: 0 }, connection => {
    const onData = requests(request.length, bytes => connection.write(split(bytes)))
    connection.start({ onData, onDrain: () => {}, onClose: () => {} })
  })
  const connection = await network.connect({ host: 'localhost', port: listener.port })
  return measure(total, async () => {
    let answers = 0
    await new Promise<void>(resolve => {
      const onData = requests(request.length, () => {
        if (++answers + 31 < total) connection.write([request])
        if (answers === total) resolve()
      })
      connection.start({ onData, onDrain: () => {}, onClose: () => {} })
      for (let i = 0; i < 32; i++) connection.write([request])
    })
    connection.destroy()
  })
}

const [what = 'all', ...numbers] = process.argv.slice(2)
if (what === 'client') {
  const [port = 0, size = 0, depth = 0, connections = 0, total = 0] = numbers.map(Number)
  await client(port, size, depth, connections, total)
} else {
  if (what === 'all' || what === 'disk') await disk()
  if (what === 'all' || what === 'network') await network()
}
