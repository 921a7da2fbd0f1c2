/** What only the real disk has: the pool of handles, the kernel's refusals, locks between processes. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { failsWith } from '../conformance/disk.ts'
import { NodeDisk } from './disk.ts'
import { afterShortWrite } from './file.ts'
import { Handle, HandlePool } from './handle-pool.ts'

function directory(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'ottla-disk-'))
  t.after(() => rmSync(root, { recursive: true }))
  return root
}

/** Descriptors of this process that lead below `root`, by the kernel's own account. */
function descriptorsUnder(root: string): number {
  const targets = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // the one that listed the directory
    }
  })
  return targets.filter(target => target.startsWith(root)).length
}

const isLinux = process.platform === 'linux'

test('many more files than handles', async t => {
  const root = directory(t)
  const disk = new NodeDisk({ maxOpenFiles: 8 })
  const files = await Promise.all(Array.from({ length: 300 }, (_, i) => disk.open(`${root}/${i}`, 'create')))
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      files.map((file, i) => file.write([Buffer.from(`${i}:${round};`)], `${i}:${round};`.length * round)),
    )
    assert.ok(disk.openHandles <= 8, `${disk.openHandles} are open`)
    if (isLinux) assert.ok(descriptorsUnder(root) <= 8, `${descriptorsUnder(root)} are open`)
  }
  await Promise.all(files.map(file => file.sync()))
  const contents = await Promise.all(
    files.map(async file => {
      const target = Buffer.alloc(100)
      return target.toString('utf8', 0, await file.read(target, 0))
    }),
  )
  assert.deepEqual(
    contents,
    files.map((_, i) => `${i}:0;${i}:1;${i}:2;`),
  )
  await Promise.all(files.map(file => file.close()))
  assert.equal(disk.openHandles, 0)
  if (isLinux) assert.equal(descriptorsUnder(root), 0)
})

test('calls overlap with renames and removals, and none reaches a wrong file', async t => {
  const root = directory(t)
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.array(fc.nat(5), { minLength: 20, maxLength: 60 }), async (spare, choices) => {
      const disk = new NodeDisk({ maxOpenFiles: 1 + spare, inlineWriteBytes: 0 })
      const files = await Promise.all(['a', 'b', 'c'].map(name => disk.open(`${root}/${name}`, 'write')))
      await Promise.all(files.map((file, i) => file.truncate(0).then(() => file.write([Buffer.from(`${i}`)], 0))))
      let names = 0
      const calls = choices.map(async choice => {
        const file = files[choice % 3]!
        const target = Buffer.alloc(1)
        if (choice < 3) await disk.rename(file.path, `${root}/${choice}-${names++}`).catch(failsWith('ENOENT'))
        else if ((await file.read(target, 0)) === 1) assert.equal(target.toString(), `${choice % 3}`)
      })
      await Promise.all(calls)
      for (const [i, file] of files.entries()) assert.equal((await disk.readFile(file.path)).toString(), `${i}`)
      await Promise.all(files.map(file => file.close()))
      for (const { name } of await disk.list(root)) await disk.remove(`${root}/${name}`)
      assert.equal(disk.openHandles, 0)
    }),
    { numRuns: 40 },
  )
})

test('removing a file gives its descriptor back', { skip: !isLinux, timeout: 20_000 }, async t => {
  const root = directory(t)
  const disk = new NodeDisk()
  const file = await disk.open(`${root}/a`, 'create')
  const writing = file.write([Buffer.alloc(1_000_000)], 0)
  await disk.remove(`${root}/a`)
  await writing
  const last = await disk.open(`${root}/b`, 'create')
  await last.close()
  // The write had it when the file went; it is given back behind it, which nobody waits for.
  while (disk.openHandles > 0) await turn()
  assert.equal(descriptorsUnder(root), 0)
})

test('the longest idle handle without unsynced writes goes first', async t => {
  const root = directory(t)
  const pool = new HandlePool(3)
  const [dirty, clean, newer, another] = [new Handle(), new Handle(), new Handle(), new Handle()]
  for (const [i, handle] of [dirty, clean, newer].entries()) await pool.open(handle, `${root}/${i}`, 'w')
  dirty.isDirty = true
  for (const handle of [dirty, clean, newer]) pool.release(handle)
  await pool.open(another, `${root}/3`, 'w')
  assert.deepEqual([dirty.fd >= 0, clean.fd, newer.fd >= 0], [true, -1, true])
  newer.isDirty = true
  pool.release(another)
  another.isDirty = true
  await pool.open(clean, `${root}/1`, 'r')
  assert.equal(dirty.fd, -1, 'if all are dirty, the longest idle one')
  assert.ok(dirty.isDirty, 'and it is still not synced')
  for (const handle of [newer, another]) await pool.close(handle)
  pool.release(clean)
  await pool.close(clean)
  assert.equal(pool.taken, 0)
  assert.throws(() => new HandlePool(0), RangeError)
})

test('a place is given back when opening fails', async t => {
  const root = directory(t)
  const disk = new NodeDisk({ maxOpenFiles: 1 })
  for (let i = 0; i < 3; i++) await assert.rejects(disk.open(`${root}/no/such`, 'read'), failsWith('ENOENT'))
  assert.equal(disk.openHandles, 0)
  const file = await disk.open(`${root}/a`, 'create')
  await file.close()
})

test('a full device is ENOSPC', { skip: !isLinux }, async () => {
  for (const inlineWriteBytes of [0, 1_000_000]) {
    const full = await new NodeDisk({ inlineWriteBytes }).open('/dev/full', 'write')
    await assert.rejects(full.write([Buffer.from('x')], 0), failsWith('ENOSPC'))
    await full.close()
  }
})

test('what Node refuses by itself has a POSIX name too', async () => {
  await assert.rejects(new NodeDisk().open('/no\0name', 'read'), failsWith('EINVAL'))
})

test('a sync that failed fails for ever', { skip: !isLinux }, async () => {
  const file = await new NodeDisk().open('/dev/full', 'write') // a device, which fdatasync refuses
  const errors = await Promise.all([1, 2, 3].map(() => file.sync().catch(error => error)))
  assert.ok(failsWith('EINVAL')(errors[0]))
  assert.equal(errors[1], errors[0])
  assert.equal(await file.sync().catch(error => error), errors[0])
  await file.close()
  await assert.rejects(file.sync(), failsWith('EBADF'))
})

test('syncs that wait share one', async t => {
  const root = directory(t)
  const file = await new NodeDisk().open(`${root}/a`, 'create')
  await file.write([Buffer.from('x')], 0)
  const first = file.sync()
  const joins = file.sync()
  assert.equal(first, joins, 'neither has begun')
  await Promise.resolve()
  const next = file.sync()
  assert.notEqual(next, first, 'what was written since the first began is the matter of another')
  assert.equal(file.sync(), next)
  await Promise.all([first, next])
  await file.close()
})

test('after a short write the rest is written, and nothing else', () => {
  const chunks = fc.array(
    fc.nat(5).map(length => Buffer.alloc(length)),
    { maxLength: 10 },
  )
  fc.assert(
    fc.property(chunks, fc.nat(), (list, choice) => {
      for (const [i, chunk] of list.entries()) chunk.fill(i + 1)
      const all = Buffer.concat(list)
      if (all.length < 2) return
      const count = 1 + (choice % (all.length - 1))
      assert.deepEqual(Buffer.concat(afterShortWrite(list, count)), all.subarray(count))
    }),
  )
  assert.throws(() => afterShortWrite([Buffer.alloc(1)], 0), /says nothing/)
})

test('a short read is not the end', { skip: !isLinux }, async () => {
  const file = await new NodeDisk().open('/proc/self/maps', 'read') // the kernel gives a page of it at a time
  assert.ok((await file.read(Buffer.alloc(1_000_000), 0)) > 4096)
  await file.close()
})

test('where there can be no directory, the answer is an error, and comes', {
  timeout: 10_000,
  skip: !isLinux,
}, async () => {
  const disk = new NodeDisk()
  await assert.rejects(disk.makeDirectory('/proc/self/ottla/inner'), { code: 'ENOENT' })
})
