/** What a loss of power may leave, and what it must not touch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PagedBytes } from './paged-bytes.ts'
import { SeededRandom } from './random.ts'
import { type FileNode, MemoryStorage, SECTOR } from './storage.ts'

const tracked = (): MemoryStorage => new MemoryStorage({ tracksDurability: true })

function bytesOf(file: FileNode): Uint8Array {
  const bytes = new Uint8Array(file.content.size)
  file.content.read(bytes, 0)
  return bytes
}

function durableFile(storage: MemoryStorage): FileNode {
  const file = storage.createFile('/file', 0)
  storage.syncDirectory(storage.directory('/'))
  return file
}

test('pages hold what a flat array holds', () => {
  const step = fc.oneof(
    fc.tuple(fc.constant('write'), fc.nat(300_000), fc.oneof(fc.nat(300), fc.nat(150_000))),
    fc.tuple(fc.constant('truncate'), fc.nat(300_000), fc.constant(0)),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const paged = new PagedBytes()
      let flat = Buffer.alloc(0)
      const resize = (size: number): void => {
        const grown = Buffer.alloc(size)
        flat.copy(grown)
        flat = grown
      }
      for (const [i, [kind, at, length]] of steps.entries()) {
        if (kind === 'truncate') {
          paged.truncate(at)
          resize(at)
        } else if (length > 0) {
          paged.write(Buffer.alloc(length, i + 1), at)
          resize(Math.max(flat.length, at + length))
          flat.fill(i + 1, at, at + length)
        }
        assert.equal(paged.size, flat.length)
      }
      for (const content of [paged, paged.copy()]) {
        const all = Buffer.alloc(flat.length + 10, 0xee)
        assert.equal(content.read(all, 0), flat.length)
        assert.ok(all.subarray(0, flat.length).equals(flat))
        assert.ok(all.subarray(flat.length).every(byte => byte === 0xee))
      }
    }),
    { numRuns: 60 },
  )
})

test('every byte that a loss of power leaves was synced, or written since, or is zero', () => {
  const change = fc.record({
    kind: fc.constantFrom('write', 'write', 'write', 'truncate', 'sync'),
    at: fc.nat(4000),
    length: fc.integer({ min: 1, max: 2000 }),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), fc.nat(), (changes, seed) => {
      const storage = tracked()
      const file = durableFile(storage)
      let synced: Uint8Array = new Uint8Array(0)
      let since: { at: number; end: number; byte: number }[] = []
      let cuts: number[] = []
      for (const [i, { kind, at, length }] of changes.entries()) {
        if (kind === 'write') {
          storage.write(file, [Buffer.alloc(length, i + 1)], at, 0)
          since.push({ at, end: at + length, byte: i + 1 })
        } else if (kind === 'truncate') {
          storage.truncate(file, at, 0)
          cuts.push(at)
        } else {
          storage.sync(file)
          synced = bytesOf(file)
          since = []
          cuts = []
        }
      }
      storage.losePower(new SeededRandom(seed))
      const left = bytesOf(storage.file('/file'))
      assert.ok(left.length <= Math.max(synced.length, ...cuts, ...since.map(write => write.end)))
      if (cuts.length === 0) assert.ok(left.length >= synced.length, 'nothing but a cut shortens a file')
      for (const [position, byte] of left.entries()) {
        const writes = since.filter(write => write.at <= position && position < write.end)
        const isCut = cuts.some(cut => cut <= position)
        const isSynced = byte === (synced[position] ?? 0)
        const isWritten = writes.some(write => write.byte === byte)
        const isHole = byte === 0 && (position >= synced.length || isCut)
        assert.ok(isSynced || isWritten || isHole, `byte ${byte} at ${position}`)
      }
      if (since.length === 0 && cuts.length === 0) assert.deepEqual(left, synced)
    }),
    { numRuns: 500 },
  )
})

test('a write may be kept, lost or torn at sectors, and all of that happens', () => {
  const seen = { kept: 0, lost: 0, torn: 0, lengthOnly: 0 }
  for (let seed = 0; seed < 400; seed++) {
    const storage = tracked()
    const file = durableFile(storage)
    storage.write(file, [Buffer.alloc(SECTOR, 1)], 0, 0)
    storage.sync(file)
    // From the middle of a sector to the middle of another.
    storage.write(file, [Buffer.alloc(4 * SECTOR, 2)], SECTOR - 100, 0)
    storage.losePower(new SeededRandom(seed))
    const left = bytesOf(storage.file('/file'))
    const written = left.filter(byte => byte === 2).length
    if (written === 4 * SECTOR) seen.kept++
    else if (written > 0) seen.torn++
    else if (left.length > SECTOR) seen.lengthOnly++
    else seen.lost++
    assert.ok(left.subarray(0, SECTOR - 100).every(byte => byte === 1))
    for (let from = SECTOR - 100; from < left.length; ) {
      const to = Math.min((Math.floor(from / SECTOR) + 1) * SECTOR, 5 * SECTOR - 100, left.length)
      assert.equal(new Set(left.subarray(from, to)).size, 1, 'a sector is whole or not there')
      from = to
    }
  }
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 5, `${what}: ${count} of 400`)
})

test('cuts reach the disk in order, and no later write without them', () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const storage = tracked()
    const file = durableFile(storage)
    storage.write(file, [Buffer.from('old old old')], 0, 0)
    storage.sync(file)
    storage.truncate(file, 4, 0)
    storage.write(file, [Buffer.from('new')], 4, 0)
    storage.losePower(new SeededRandom(seed))
    seen.add(Buffer.from(bytesOf(storage.file('/file'))).toString())
  }
  assert.deepEqual([...seen].sort(), ['old ', 'old \0\0\0', 'old new', 'old old old'])
})

test('a sync that fails loses what it should have written, and the next does not bring it back', () => {
  const storage = tracked()
  const file = durableFile(storage)
  storage.write(file, [Buffer.from('kept')], 0, 0)
  storage.sync(file)
  storage.write(file, [Buffer.from('lost')], 4, 0)
  storage.dropUnsynced(file)
  storage.write(file, [Buffer.from('next')], 8, 0)
  storage.sync(file)
  assert.equal(Buffer.from(bytesOf(file)).toString(), 'keptlostnext', 'as long as the power is on')
  storage.losePower(new SeededRandom(1))
  assert.equal(Buffer.from(bytesOf(storage.file('/file'))).toString(), 'kept\0\0\0\0next')
})

test('names are lost in order: what is left is a state that once was', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('create' as const), a: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constant('remove' as const), a: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constant('rename' as const), a: fc.constantFrom('a', 'b'), b: fc.constantFrom('b', 'c') }),
    fc.record({ kind: fc.constant('sync' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), fc.nat(), (steps, seed) => {
      const storage = tracked()
      const names = (): string => [...storage.directory('/').entries.keys()].sort().join(' ')
      let states = [names()]
      for (const action of steps) {
        if (action.kind === 'create' && !storage.find(`/${action.a}`)) storage.createFile(`/${action.a}`, 0)
        if (action.kind === 'remove') storage.remove(`/${action.a}`, 0)
        if (action.kind === 'rename' && storage.find(`/${action.a}`)) storage.rename(`/${action.a}`, `/${action.b}`, 0)
        if (action.kind === 'sync') {
          storage.syncDirectory(storage.directory('/'))
          states = []
        }
        states.push(names())
      }
      storage.losePower(new SeededRandom(seed))
      assert.ok(states.includes(names()), `${names()} is none of ${states.join(' | ')}`)
    }),
    { numRuns: 500 },
  )
})

test('a rename between directories is done or not, never half', () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const storage = tracked()
    storage.makeDirectory('/from', 0)
    storage.makeDirectory('/to', 0)
    storage.createFile('/from/x', 0)
    for (const path of ['/', '/from', '/to']) storage.syncDirectory(storage.directory(path))
    storage.createFile('/to/before', 0)
    storage.rename('/from/x', '/to/x', 0)
    // Syncing one side makes the rename durable on both, with all that came before it there.
    if (seed % 2 === 1) storage.syncDirectory(storage.directory('/from'))
    storage.losePower(new SeededRandom(seed))
    const at = ['/from/x', '/to/x', '/to/before'].filter(path => storage.find(path)).join(' ')
    seen.add(`${seed % 2 === 1 ? 'synced: ' : ''}${at}`)
  }
  assert.deepEqual([...seen].sort(), ['/from/x', '/from/x /to/before', '/to/x /to/before', 'synced: /to/x /to/before'])
})

test('a file is reached only if every directory above it is durable', () => {
  const storage = tracked()
  storage.makeDirectory('/a/b', 0)
  storage.createFile('/a/b/file', 0)
  storage.syncDirectory(storage.directory('/a/b'))
  storage.syncDirectory(storage.directory('/a'))
  let found = 0
  const trials = 50
  for (let seed = 0; seed < trials; seed++) {
    const other = tracked()
    other.makeDirectory('/a/b', 0)
    other.createFile('/a/b/file', 0)
    other.syncDirectory(other.directory('/a/b'))
    other.syncDirectory(other.directory('/a'))
    other.losePower(new SeededRandom(seed))
    if (other.find('/a/b/file')) found++
  }
  assert.ok(found > 0 && found < trials, `/ was not synced: ${found} of ${trials}`)
  storage.syncDirectory(storage.directory('/'))
  storage.losePower(new SeededRandom(1))
  assert.ok(storage.find('/a/b/file'))
})

test('removing a directory may be half done', () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const storage = tracked()
    storage.makeDirectory('/t-0', 0)
    for (const name of ['1', '2', '3']) storage.createFile(`/t-0/${name}`, 0)
    storage.syncDirectory(storage.directory('/t-0'))
    storage.syncDirectory(storage.directory('/'))
    storage.remove('/t-0', 0)
    storage.losePower(new SeededRandom(seed))
    const left = storage.find('/t-0')
    seen.add(left?.isDirectory ? [...left.entries.keys()].join('') : 'gone')
  }
  assert.deepEqual([...seen].sort(), ['', '123', '23', '3', 'gone'])
})

test('space is counted, and given back', () => {
  const storage = new MemoryStorage({ capacityBytes: 1000 })
  const file = storage.createFile('/a', 0)
  storage.write(file, [Buffer.alloc(900)], 0, 0)
  assert.throws(() => storage.write(file, [Buffer.alloc(80), Buffer.alloc(80)], 900, 0), { code: 'ENOSPC' })
  assert.equal(file.content.size, 1000, 'what fits is written')
  storage.write(file, [Buffer.alloc(1000)], 0, 0)
  assert.throws(() => storage.truncate(file, 1001, 0), { code: 'ENOSPC' })
  storage.truncate(file, 10, 0)
  assert.equal(storage.usedBytes, 10)
  const other = storage.createFile('/b', 0)
  storage.write(other, [Buffer.alloc(500)], 0, 0)
  storage.rename('/a', '/b', 0)
  assert.equal(storage.usedBytes, 10)
  storage.remove('/b', 0)
  assert.equal(storage.usedBytes, 0)
  assert.throws(() => storage.losePower(new SeededRandom(1)), /tracksDurability/)
})

test('bit rot is there for good', () => {
  const storage = tracked()
  const file = durableFile(storage)
  storage.write(file, [Buffer.from('abc')], 0, 0)
  storage.sync(file)
  storage.corrupt('/file', 1, 0x03)
  storage.corrupt('/file', 99)
  assert.equal(Buffer.from(bytesOf(file)).toString(), 'aac')
  storage.losePower(new SeededRandom(1))
  assert.equal(Buffer.from(bytesOf(storage.file('/file'))).toString(), 'aac')
})
