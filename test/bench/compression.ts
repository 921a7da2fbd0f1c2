/**
 * What checksums and compression cost, by size: `node test/bench/compression.ts [crc32c|snappy|lz4|gzip|zstd]...`, as
 * tables of microseconds a call: of CPU time, in all threads, as what an addon leaves to the garbage collector and the
 * kernel is most of its price. This is what docs/decisions/0003-compression.md was decided by.
 *
 * Beside what we use, the rivals: those that are no dependency of ours are measured if they are installed
 * (`npm install --no-save snappy snappyjs lz4-wasm-nodejs fzstd`). Before it is measured, each contender's result is checked.
 */
import { createRequire } from 'node:module'
import { do_not_optimize } from 'mitata'
import type { Compressor } from '../../packages/protocol/compression/codec.ts'
import { lz4 } from '../../packages/protocol/compression/lz4.ts'
import {
  compressLz4BlockPure,
  decompressLz4BlockPure,
  maxLz4BlockBytes,
} from '../../packages/protocol/compression/lz4-block.ts'
import { gzip, zstd } from '../../packages/protocol/compression/node.ts'
import { gzip as pureGzip, zstd as pureZstd } from '../../packages/protocol/compression/pure.ts'
import { snappy } from '../../packages/protocol/compression/snappy.ts'
import {
  compressSnappyBlock,
  decompressSnappyBlock,
  maxSnappyBlockBytes,
} from '../../packages/protocol/compression/snappy-block.ts'
import { crc32c, crc32cPure } from '../../packages/protocol/crc32c.ts'

const SIZES = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]
const LOADS_ADDONS = 1 << 20
const PLENTY = 1 << 24
const ROUNDS = 5
const ROUND_MICROSECONDS = 15_000

type Run = (bytes: Uint8Array) => unknown

/** Name to what it does with the bytes of one size, prepared outside of the measurement. */
type Contenders = Record<string, (bytes: Uint8Array) => Run>

const requireFrom = createRequire(import.meta.url)

function optional<Module>(name: string): Module | null {
  try {
    return requireFrom(name) as Module
  } catch {
    return null
  }
}

/** JSON lines that a compressor makes a third or a fifth of, as most records are. */
function json(length: number): Uint8Array {
  let text = ''
  for (let i = 0; text.length < length; i++) {
    const amount = ((i * 31_337) % 10_000) / 100
    const session = (Math.imul(i, 2_654_435_761) >>> 0).toString(16)
    const event = ['click', 'view', 'purchase', 'login'][i % 4]
    text += `{"id":${1e6 + i * 7},"user":"user-${(i * 7919) % 1000}","event":"${event}","amount":${amount},"session":"${session}"}\n`
  }
  return new TextEncoder().encode(text.slice(0, length))
}

/** The least of several rounds: what disturbs a machine only ever adds. */
function cpuMicroseconds(run: () => void): number {
  const round = (calls: number): number => {
    const before = process.cpuUsage()
    for (let i = 0; i < calls; i++) run()
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  let calls = 4
  while (round(calls) < ROUND_MICROSECONDS) calls *= 2
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < ROUNDS; i++) least = Math.min(least, round(calls) / calls)
  return least
}

function table(title: string, contenders: Contenders): void {
  const names = Object.keys(contenders)
  console.log(`\n${title}\n\n| bytes | ${names.join(' | ')} |\n|${' ---: |'.repeat(names.length + 1)}`)
  for (const size of SIZES) {
    const bytes = json(size)
    const cells: string[] = []
    for (const name of names) {
      const run = contenders[name]!(bytes)
      cells.push(cpuMicroseconds(() => do_not_optimize(run(bytes))).toPrecision(3))
    }
    console.log(`| ${size} | ${cells.join(' | ')} |`)
  }
}

function mustEqual(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) throw new Error(`${what} gives something else`)
}

function compressing(run: (bytes: Uint8Array) => Uint8Array, undo?: (bytes: Uint8Array) => Uint8Array) {
  return (bytes: Uint8Array): Run => {
    if (undo) mustEqual(undo(run(bytes)), bytes, 'compressing')
    return run
  }
}

function decompressing(compress: (bytes: Uint8Array) => Uint8Array, run: (bytes: Uint8Array) => Uint8Array) {
  return (bytes: Uint8Array): Run => {
    const compressed = compress(bytes)
    mustEqual(run(compressed), bytes, 'decompressing')
    return () => run(compressed)
  }
}

function ours(
  compressor: Compressor,
  level: number,
): [(bytes: Uint8Array) => Uint8Array, (bytes: Uint8Array) => Uint8Array] {
  return [bytes => compressor.compress(bytes, level), bytes => compressor.decompress(bytes, PLENTY, 2)]
}

function benchCrc32c(): void {
  const addon = optional<{ crc32c(bytes: Uint8Array): number }>('@node-rs/crc32')
  const checked = (run: (bytes: Uint8Array) => number) => (bytes: Uint8Array) => {
    if (run(bytes) !== crc32cPure(bytes)) throw new Error('crc32c gives something else')
    return run
  }
  table('CRC-32C', {
    'crc32c (used)': checked(bytes => crc32c(bytes)),
    tables: checked(bytes => crc32cPure(bytes)),
    ...(addon && { '@node-rs/crc32': checked(bytes => addon.crc32c(bytes)) }),
  })
}

function benchSnappy(): void {
  const addon = optional<{
    compressSync(bytes: Uint8Array): Uint8Array
    uncompressSync(bytes: Uint8Array, options: object): Uint8Array
  }>('snappy')
  const snappyjs = optional<{ compress(b: Uint8Array): Uint8Array; uncompress(b: Uint8Array): Uint8Array }>('snappyjs')
  const [compress, decompress] = ours(snappy, 0)
  const pureCompress = (bytes: Uint8Array) => {
    const target = new Uint8Array(maxSnappyBlockBytes(bytes.length))
    return target.subarray(0, compressSnappyBlock(bytes, 0, bytes.length, target, 0))
  }
  const pureDecompress = (length: number) => (block: Uint8Array) => {
    const target = new Uint8Array(length)
    decompressSnappyBlock(block, 0, block.length, target, 0)
    return target
  }
  const native = addon && ((bytes: Uint8Array) => addon.uncompressSync(bytes, { asBuffer: true }))
  table('snappy, compress', {
    'xerial frames (used)': compressing(compress, decompress),
    'own, one block': compressing(pureCompress),
    ...(addon && native && { 'addon, one block': compressing(bytes => addon.compressSync(bytes), native) }),
    ...(snappyjs && { snappyjs: compressing(bytes => snappyjs.compress(bytes)) }),
  })
  table('snappy, decompress', {
    'xerial frames (used)': decompressing(compress, decompress),
    'own, one block': bytes => decompressing(pureCompress, pureDecompress(bytes.length))(bytes),
    ...(native && { 'addon, one block': decompressing(pureCompress, native) }),
    ...(snappyjs && { snappyjs: decompressing(pureCompress, bytes => snappyjs.uncompress(bytes)) }),
  })
}

function benchLz4(): void {
  const addon = optional<{
    compressSync(bytes: Uint8Array): Uint8Array
    uncompressSync(bytes: Uint8Array): Uint8Array
    compressFrameSync(bytes: Uint8Array): Uint8Array
    decompressFrameSync(bytes: Uint8Array): Uint8Array
  }>('lz4-napi')
  const wasm = optional<{ compress(b: Uint8Array): Uint8Array; decompress(b: Uint8Array): Uint8Array }>(
    'lz4-wasm-nodejs',
  )
  const [compress, decompress] = ours(lz4, 9)
  const pureCompress = (bytes: Uint8Array) => {
    const target = new Uint8Array(maxLz4BlockBytes(bytes.length))
    return target.subarray(0, compressLz4BlockPure(bytes, 0, bytes.length, target, 0))
  }
  const pureDecompress = (length: number) => (block: Uint8Array) => {
    const target = new Uint8Array(length)
    decompressLz4BlockPure(block, 0, block.length, target, 0, 0)
    return target
  }
  table('lz4, compress', {
    'frame (used)': compressing(compress, decompress),
    'level 12': compressing(bytes => lz4.compress(bytes, 12), decompress),
    'own, one block': compressing(pureCompress),
    ...(addon && { 'addon, one block': compressing(bytes => addon.compressSync(Buffer.from(bytes))) }),
    ...(addon && { 'addon, frame': compressing(bytes => addon.compressFrameSync(Buffer.from(bytes)), decompress) }),
    ...(wasm && { 'lz4-wasm, one block': compressing(bytes => wasm.compress(bytes)) }),
  })
  table('lz4, decompress', {
    'frame (used)': decompressing(compress, decompress),
    'own, one block': bytes => decompressing(pureCompress, pureDecompress(bytes.length))(bytes),
    ...(addon && {
      'addon, one block': decompressing(
        b => addon.compressSync(b),
        b => addon.uncompressSync(b),
      ),
    }),
    ...(addon && { 'addon, frame': decompressing(compress, b => addon.decompressFrameSync(Buffer.from(b))) }),
    ...(wasm && {
      'lz4-wasm, one block': decompressing(
        b => wasm.compress(b),
        b => wasm.decompress(b),
      ),
    }),
  })
}

function benchGzip(): void {
  const [compress, decompress] = ours(gzip, -1)
  const [pureCompress, pureDecompress] = ours(pureGzip, -1)
  table('gzip, compress', {
    'node:zlib (used)': compressing(compress, decompress),
    'node:zlib level 1': compressing(bytes => gzip.compress(bytes, 1), decompress),
    'fflate (browser)': compressing(pureCompress, decompress),
  })
  table('gzip, decompress', {
    'node:zlib (used)': decompressing(compress, decompress),
    'own (browser)': decompressing(compress, pureDecompress),
  })
}

function benchZstd(): void {
  const [compress, decompress] = ours(zstd, 3)
  const [pureCompress, pureDecompress] = ours(pureZstd, 3)
  const fzstd = optional<{ decompress(bytes: Uint8Array): Uint8Array }>('fzstd')
  table('zstd, compress', {
    'node:zlib (used)': compressing(compress, decompress),
    'node:zlib level 1': compressing(bytes => zstd.compress(bytes, 1), decompress),
    'stored (browser)': compressing(pureCompress, decompress),
  })
  table('zstd, decompress', {
    'node:zlib (used)': decompressing(compress, decompress),
    'own (browser)': decompressing(compress, pureDecompress),
    ...(fzstd && { fzstd: decompressing(compress, bytes => fzstd.decompress(bytes)) }),
  })
}

const BENCHES = { crc32c: benchCrc32c, snappy: benchSnappy, lz4: benchLz4, gzip: benchGzip, zstd: benchZstd }

const asked = process.argv.slice(2)
// So that what is used is what a broker uses after its first few hundred batches.
const warm = json(LOADS_ADDONS)
for (const compressor of [snappy, lz4]) compressor.decompress(compressor.compress(warm, 9), PLENTY, 2)
crc32c(warm)
for (const [name, run] of Object.entries(BENCHES)) if (asked.length === 0 || asked.includes(name)) run()
