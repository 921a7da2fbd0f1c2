import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { ProtocolError } from '../errors.ts'
import { CODECS, COMPRESSION_LEVELS, type Compressor, type RealCodec } from './codec.ts'
import { compress, decompress, useCompressor } from './index.ts'
import { lz4 } from './lz4.ts'
import {
  compressLz4Block,
  compressLz4BlockPure,
  decompressLz4Block,
  decompressLz4BlockPure,
  lz4BlockLength,
  maxLz4BlockBytes,
} from './lz4-block.ts'
import * as node from './node.ts'
import * as pure from './pure.ts'
import { snappy } from './snappy.ts'
import { xxhash32 } from './xxhash32.ts'
import { xxhash64Low } from './xxhash64.ts'

/** Every implementation by what it is called here, and its codec. */
const ALL: readonly (readonly [string, RealCodec, Compressor])[] = [
  ['gzip of Node', 'gzip', node.gzip],
  ['gzip in JavaScript', 'gzip', pure.gzip],
  ['snappy', 'snappy', snappy],
  ['lz4', 'lz4', lz4],
  ['zstd of Node', 'zstd', node.zstd],
  ['zstd in JavaScript', 'zstd', pure.zstd],
]
const PLENTY = 1 << 24

const utf8 = (text: string) => new TextEncoder().encode(text)

/** Bytes with runs, repeats and noise, up to some 100 KiB, so that blocks, windows and long lengths all come up. */
const anyBytes: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.record({ byte: fc.nat(255), times: fc.nat(3000) }).map(run => new Uint8Array(run.times).fill(run.byte)),
      fc
        .record({ part: fc.uint8Array({ minLength: 1, maxLength: 40 }), times: fc.integer({ min: 1, max: 400 }) })
        .map(({ part, times }) => Uint8Array.from({ length: part.length * times }, (_, i) => part[i % part.length]!)),
    ),
    { maxLength: 12 },
  )
  .map(parts => new Uint8Array(Buffer.concat(parts)))

function sample(length: number): Uint8Array {
  let text = ''
  for (let i = 0; text.length < length; i++) text += `{"id":${i * 7},"user":"user-${(i * 7919) % 100}"}\n`
  return utf8(text.slice(0, length))
}

function code(...expected: string[]): (error: unknown) => boolean {
  return error => error instanceof ProtocolError && expected.includes(error.code)
}

for (const [name, codec, compressor] of ALL) {
  const { min, max, default: normal } = codec === 'snappy' ? { min: 0, max: 0, default: 0 } : COMPRESSION_LEVELS[codec]
  const others = ALL.filter(([, other]) => other === codec)

  test(`${name}: any bytes, at any level, are read again by every implementation`, () => {
    fc.assert(
      fc.property(
        anyBytes,
        fc.oneof(fc.constant(normal), fc.integer({ min: Math.max(min, -50), max })),
        (bytes, level) => {
          const compressed = compressor.compress(bytes, level)
          for (const [, , other] of others)
            assert.deepEqual(new Uint8Array(other.decompress(compressed, PLENTY, 2)), bytes)
        },
      ),
      { numRuns: 60 },
    )
  })

  test(`${name}: sizes around the blocks' and the windows'`, () => {
    for (const size of [
      0, 1, 2, 12, 13, 255, 256, 2047, 2048, 32767, 32768, 32769, 65535, 65536, 65537, 131072, 131073, 300_000,
    ]) {
      const bytes = sample(size)
      const compressed = compressor.compress(bytes, normal)
      for (const [, , other] of others) {
        assert.deepEqual(new Uint8Array(other.decompress(compressed, size, 2)), bytes, `${size}`)
        if (size > 0) assert.throws(() => other.decompress(compressed, size - 1, 2), code('ERR_TOO_LARGE'), `${size}`)
      }
    }
  })

  test(`${name}: cut anywhere it is an error`, () => {
    for (const bytes of [sample(700), new Uint8Array(70_000)]) {
      const compressed = compressor.compress(bytes, normal)
      for (let length = 0; length < compressed.length; length++) {
        // Snappy's framing has no end: between two blocks nothing shows that there were more.
        const cut = attempt(compressor, compressed.subarray(0, length))
        if (codec === 'snappy' && cut !== null && cut.length % 32768 === 0) continue
        assert.equal(cut, null, `${length}`)
      }
    }
  })

  test(`${name}: whatever bits flip, the answer is bytes or a coded error, and all implementations agree on bytes`, () => {
    for (const bytes of [
      sample(400),
      new Uint8Array(codec === 'snappy' ? 5000 : 70_000),
      Uint8Array.from({ length: 300 }, (_, i) => (i * i * 37) >> 3),
    ]) {
      const compressed = new Uint8Array(compressor.compress(bytes, normal))
      for (let bit = 0; bit < compressed.length * 8; bit++) {
        const flipped = compressed.slice()
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        const results = others.map(([, , other]) => attempt(other, flipped))
        for (const result of results) {
          if (result !== null && results[0] != null) assert.deepEqual(result, results[0], `bit ${bit}`)
        }
      }
    }
  })

  test(`${name}: any bytes at all are an error or something, soon`, () => {
    const begins = [
      [],
      [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
      [0x28, 0xb5, 0x2f, 0xfd],
      [4, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...begins), fc.uint8Array({ maxLength: 200 }), (begin, bytes) => {
        attempt(compressor, Uint8Array.from([...begin, ...bytes]))
      }),
      { numRuns: 1500 },
    )
  })

  test(`${name}: a bomb is stopped at the bound`, () => {
    const compressed =
      codec === 'zstd'
        ? node.zstd.compress(new Uint8Array(1 << 26), 3)
        : compressor.compress(new Uint8Array(1 << 26), normal)
    const before = process.memoryUsage().arrayBuffers
    assert.throws(() => compressor.decompress(compressed, 1 << 20, 2), code('ERR_TOO_LARGE'))
    assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 23)
  })
}

/** null: a ProtocolError. */
function attempt(compressor: Compressor, bytes: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(compressor.decompress(bytes, PLENTY, 2))
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String((error as Error).stack))
    return null
  }
}

test('lz4: addon and JavaScript make blocks for each other', () => {
  // More than what is done in JavaScript before the addon is loaded.
  for (let i = 0; i < 6; i++) compress('lz4', sample(100_000))
  fc.assert(
    fc.property(fc.oneof(anyBytes, fc.integer({ min: 4096, max: 60_000 }).map(sample)), bytes => {
      const n = bytes.length
      for (const write of [compressLz4Block, compressLz4BlockPure]) {
        const block = new Uint8Array(maxLz4BlockBytes(n) + 1)
        const end = write(bytes, 0, n, block, 1)
        assert.equal(lz4BlockLength(block, 1, end), n)
        for (const read of [decompressLz4Block, decompressLz4BlockPure]) {
          const plain = new Uint8Array(n + 2)
          assert.equal(read(block, 1, end, plain, 2, 2, n), n + 2)
          assert.deepEqual(plain.subarray(2), bytes)
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('levels: what Kafka allows, and higher ones make less', () => {
  const bytes = sample(60_000)
  const sizes = (codec: RealCodec, ...levels: number[]) => levels.map(level => compress(codec, bytes, level).length)
  for (const [first, second] of [
    sizes('gzip', 1, 9),
    sizes('lz4', 1, 17),
    sizes('lz4', 9, 12),
    sizes('zstd', -100, 19),
  ]) {
    assert.ok(second! < first!)
  }
  assert.deepEqual(sizes('gzip', -1), sizes('gzip', 6))
  for (const [codec, level] of [
    ['gzip', 0],
    ['gzip', 10],
    ['gzip', -2],
    ['lz4', 0],
    ['lz4', 18],
    ['zstd', 23],
    ['zstd', -131073],
    ['lz4', 1.5],
  ] as const) {
    assert.throws(() => compress(codec, bytes, level), RangeError)
  }
  assert.deepEqual(new Uint8Array(decompress('zstd', compress('zstd', bytes, -131072), PLENTY)), bytes)
})

test('several gzip members, zstd frames and lz4 frames are one stream, and nothing else may follow', () => {
  const [a, b] = [sample(5000), utf8('the rest')]
  const skippable = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3)
  for (const [name, codec, compressor] of ALL) {
    if (codec === 'snappy') continue
    const parts = [
      compressor.compress(a, COMPRESSION_LEVELS[codec].default),
      compressor.compress(b, COMPRESSION_LEVELS[codec].default),
    ]
    if (codec !== 'gzip') parts.splice(1, 0, skippable)
    const joined = Buffer.concat(parts)
    assert.deepEqual(Buffer.from(compressor.decompress(joined, 5008, 2)), Buffer.concat([a, b]), name)
    assert.throws(() => compressor.decompress(joined, 5007, 2), code('ERR_TOO_LARGE'), name)
    assert.throws(
      () => compressor.decompress(Buffer.concat([joined, utf8('garbage, and more')]), PLENTY, 2),
      code('ERR_CORRUPT'),
      name,
    )
  }
})

test('sizes that are lies cost nothing', () => {
  // Four gigabytes in three bytes.
  assert.throws(
    () => snappy.decompress(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0), PLENTY, 2),
    code('ERR_CORRUPT'),
  )
  const frame = new Uint8Array(node.zstd.compress(utf8('small'), 3))
  assert.equal(frame[4], 0x20, 'one segment, size in a byte')
  const huge = Uint8Array.from([...frame.subarray(0, 4), 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, ...frame.subarray(6)])
  for (const { zstd } of [node, pure])
    assert.throws(() => zstd.decompress(huge, PLENTY, 2), code('ERR_CORRUPT', 'ERR_TOO_LARGE'))
})

test('zstd: more sequences in a block than two bytes can count', () => {
  const sequences = 33_000
  const more = sequences - 0x7f00
  // No literals; all three codes are single symbols that take no bits, so that the bit stream is its end mark alone:
  // each sequence repeats three bytes from four or from one before, in turn.
  const block = [0, 255, more & 255, more >> 8, 0x54, 0, 0, 0, 1]
  const raw = [(8 << 3) & 255, 0, 0, ...utf8('abcdefgh')]
  const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, ...raw, (block.length << 3) | 5, 0, 0, ...block])
  const plain = pure.zstd.decompress(frame, PLENTY, 2)
  assert.equal(plain.length, 8 + 3 * sequences)
  assert.deepEqual(plain, new Uint8Array(node.zstd.decompress(frame, PLENTY, 2)))
})

test('gzip: checksum and length of each member are verified, optional header fields passed over', () => {
  const plain = utf8('hello hello hello')
  const compressed = new Uint8Array(zlib.gzipSync(plain))
  for (const at of [compressed.length - 8, compressed.length - 4]) {
    const wrong = compressed.slice()
    wrong[at]! ^= 1
    for (const { gzip } of [node, pure]) assert.throws(() => gzip.decompress(wrong, PLENTY, 2), code('ERR_CORRUPT'))
  }
  const fields = [5, 0, 1, 2, 3, 4, 5, ...utf8('name\0'), ...utf8('comment\0')]
  const dressed = Uint8Array.from([
    ...compressed.subarray(0, 3),
    0x1c,
    ...compressed.subarray(4, 10),
    ...fields,
    ...compressed.subarray(10),
  ])
  for (const { gzip } of [node, pure]) assert.deepEqual(new Uint8Array(gzip.decompress(dressed, PLENTY, 2)), plain)
})

test('lz4: the header checksum of magic 0 is passed over, any other is verified', () => {
  const compressed = compress('lz4', utf8('hello hello hello')).slice()
  compressed[6]! ^= 0x55
  assert.deepEqual(new Uint8Array(decompress('lz4', compressed, PLENTY, 0)), utf8('hello hello hello'))
  for (const magic of [1, 2]) assert.throws(() => decompress('lz4', compressed, PLENTY, magic), code('ERR_CORRUPT'))
})

test('another implementation can be put in place', () => {
  const reversed: Compressor = {
    compress: bytes => bytes.slice().reverse(),
    decompress: bytes => bytes.slice().reverse(),
  }
  useCompressor('zstd', reversed)
  try {
    assert.deepEqual(compress('zstd', Uint8Array.of(1, 2, 3)), Uint8Array.of(3, 2, 1))
  } finally {
    useCompressor('zstd', node.zstd)
  }
  for (const codec of CODECS)
    assert.deepEqual(new Uint8Array(decompress(codec, compress(codec, sample(99)), 99)), sample(99))
})

test('xxHash, against values of the reference implementation', () => {
  assert.equal(xxhash32(utf8(''), 0, 0), 0x02cc5d05)
  assert.equal(xxhash32(utf8('a'), 0, 1), 0x550d7456)
  assert.equal(xxhash32(utf8('-abc-'), 1, 4), 0x32d153ff)
  // The 64-bit one against the checksums that zstd itself writes.
  for (const size of [0, 1, 3, 4, 7, 8, 11, 31, 32, 33, 64, 1000, 5003]) {
    const bytes = sample(size)
    const frame = zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } })
    assert.equal(xxhash64Low(bytes, 0, size), frame.readUInt32LE(frame.length - 4), `${size}`)
  }
})
