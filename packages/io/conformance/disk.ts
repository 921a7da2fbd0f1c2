/** What every `Disk` does. Run against node/ and memory/ by conformance.test.ts, so that the two can't drift apart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError } from '../errors.ts'
import type { Disk, OpenMode } from '../io.ts'

export interface DiskUnderTest extends AsyncDisposable {
  readonly disk: Disk
  /** An empty directory. */
  readonly root: string
}

export const failsWith = (code: string) => (error: unknown) => {
  assert.ok(error instanceof DiskError, `${error} is not a DiskError`)
  assert.equal(error.code, code)
  assert.ok(error.message.includes(error.path))
  return true
}

const bytes = (text: string): Buffer => Buffer.from(text)

async function write(disk: Disk, path: string, text: string, mode: OpenMode = 'write'): Promise<void> {
  const file = await disk.open(path, mode)
  await file.write([bytes(text)], 0)
  await file.close()
}

async function read(disk: Disk, path: string): Promise<string> {
  return (await disk.readFile(path)).toString()
}

export function diskConformance(name: string, make: () => Promise<DiskUnderTest>): void {
  const check = (what: string, body: (disk: Disk, root: string) => Promise<void>): void => {
    test(`${name} disk: ${what}`, async () => {
      await using under = await make()
      await body(under.disk, under.root)
    })
  }
  fileConformance(check)
  contentConformance(check)
  atomicConformance(check)
  renameConformance(check)
  namesConformance(check)
  directoryConformance(check)
  lockConformance(check)
}

type Check = (what: string, body: (disk: Disk, root: string) => Promise<void>) => void

function fileConformance(check: Check): void {
  check('open modes', async (disk, root) => {
    const path = `${root}/a`
    await assert.rejects(disk.open(path, 'read'), failsWith('ENOENT'))
    await assert.rejects(disk.open(`${root}/no/a`, 'write'), failsWith('ENOENT'))
    await write(disk, path, 'hello', 'create')
    await assert.rejects(disk.open(path, 'create'), failsWith('EEXIST'))
    await assert.rejects(disk.open(root, 'write'), failsWith('EISDIR'))
    await assert.rejects(disk.open(`${path}/b`, 'write'), failsWith('ENOTDIR'))
    const again = await disk.open(path, 'write')
    assert.equal(await again.size(), 5, 'opening for writing keeps what is there')
    await again.close()
    const reader = await disk.open(path, 'read')
    await assert.rejects(reader.write([bytes('x')], 0), failsWith('EBADF'))
    await reader.close()
    assert.equal(await read(disk, path), 'hello')
  })

  check('writes chunks in order, anywhere', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    await file.write([bytes('ab'), bytes(''), bytes('cd')], 0)
    await file.write([], 100)
    assert.equal(await file.size(), 4)
    await file.write([bytes('xy')], 1)
    await file.write([bytes('end')], 6)
    const target = Buffer.alloc(16, '.')
    assert.equal(await file.read(target, 0), 9)
    assert.equal(target.toString(), 'axyd\0\0end.......')
    assert.equal(await file.read(target.subarray(0, 3), 6), 3)
    assert.equal(await file.read(target, 9), 0)
    assert.equal(await file.read(target, 1000), 0)
    await file.close()
  })

  check('takes more chunks than a kernel takes at once, and large ones', async (disk, root) => {
    const chunks = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(1 + (i % 7), i))
    chunks.push(Buffer.alloc(700_000, 'z'))
    const expected = Buffer.concat(chunks)
    const file = await disk.open(`${root}/a`, 'create')
    await file.write(chunks, 5)
    await file.close()
    const content = await disk.readFile(`${root}/a`)
    assert.deepEqual(content.subarray(0, 5), Buffer.alloc(5))
    assert.ok(content.subarray(5).equals(expected))
  })

  check('what was written is not what the caller makes of its buffer later', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    const buffer = bytes('before')
    await file.write([buffer], 0)
    buffer.fill('x')
    assert.equal(await read(disk, `${root}/a`), 'before')
    const target = Buffer.alloc(6)
    await file.read(target, 0)
    target.fill('y')
    assert.equal(await read(disk, `${root}/a`), 'before')
    await file.close()
  })
}

function contentConformance(check: Check): void {
  check('truncate cuts and extends with zeros', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    await file.write([bytes('0123456789')], 0)
    await file.truncate(4)
    assert.equal(await file.size(), 4)
    await file.truncate(8)
    assert.equal(await read(disk, `${root}/a`), '0123\0\0\0\0')
    await file.write([bytes('ab')], 100_000)
    await file.truncate(70_000)
    await file.truncate(100_002)
    const content = await disk.readFile(`${root}/a`)
    assert.equal(content.length, 100_002)
    assert.ok(content.subarray(4).every(byte => byte === 0))
    await file.close()
  })

  check('syncs, many at a time', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    await file.write([bytes('a')], 0)
    await Promise.all([file.sync(), file.sync(), file.sync()])
    await file.write([bytes('b')], 1)
    await file.sync()
    await disk.syncDirectory(root)
    await assert.rejects(disk.syncDirectory(`${root}/no`), failsWith('ENOENT'))
    await file.close()
  })

  check('a closed file is closed', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    const writing = file.write([Buffer.alloc(1_000_000)], 0)
    const closing = file.close()
    await Promise.all([writing, closing])
    assert.equal((await disk.stat(`${root}/a`))?.size, 1_000_000, 'closing waits for what is under way')
    for (const late of [file.read(Buffer.alloc(1), 0), file.write([bytes('x')], 0), file.sync(), file.size()]) {
      await assert.rejects(late, failsWith('EBADF'))
    }
    await assert.rejects(file.truncate(0), failsWith('EBADF'))
    await file.close()
  })

  check('positions are checked', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await assert.rejects(async () => file.write([bytes('x')], position), RangeError)
      await assert.rejects(async () => file.read(Buffer.alloc(1), position), RangeError)
    }
    await file.close()
    await assert.rejects(async () => disk.open('relative', 'read'), RangeError)
  })
}

function atomicConformance(check: Check): void {
  check('atomic writes replace the whole file and leave nothing beside it', async (disk, root) => {
    const path = `${root}/checkpoint`
    await write(disk, `${path}.tmp`, 'left by a crash, and longer than what is written next')
    await disk.writeFileAtomic(path, bytes('a longer first version'))
    assert.equal(await read(disk, path), 'a longer first version')
    await disk.writeFileAtomic(path, bytes('second'))
    assert.equal(await read(disk, path), 'second')
    const texts = Array.from({ length: 20 }, (_, i) => `version ${i} `.repeat(i))
    await Promise.all(texts.map(text => disk.writeFileAtomic(path, bytes(text))))
    assert.equal(await read(disk, path), texts.at(-1), 'in the order of the calls')
    assert.deepEqual(await disk.list(root), [{ name: 'checkpoint', isDirectory: false }])
    await assert.rejects(disk.writeFileAtomic(`${root}/no/file`, bytes('x')), failsWith('ENOENT'))
    await disk.makeDirectory(`${root}/directory`)
    await assert.rejects(disk.writeFileAtomic(`${root}/directory`, bytes('x')), failsWith('EISDIR'))
  })
}

function renameConformance(check: Check): void {
  check('an open file follows a rename', async (disk, root) => {
    const file = await disk.open(`${root}/a`, 'create')
    await file.write([bytes('one')], 0)
    await disk.rename(`${root}/a`, `${root}/b`)
    assert.equal(file.path, `${root}/b`)
    await file.write([bytes('TWO')], 3)
    assert.equal(await read(disk, `${root}/b`), 'oneTWO')
    assert.equal(await disk.stat(`${root}/a`), null)
    await file.close()
  })

  check('open files follow the rename of a directory above them', async (disk, root) => {
    await disk.makeDirectory(`${root}/t-0/deep`)
    const files = await Promise.all(
      ['t-0/x', 't-0/deep/y'].map(async name => {
        const file = await disk.open(`${root}/${name}`, 'create')
        await file.write([bytes(name)], 0)
        return file
      }),
    )
    await disk.rename(`${root}/t-0`, `${root}/t-0-delete`)
    assert.deepEqual(
      files.map(file => file.path),
      [`${root}/t-0-delete/x`, `${root}/t-0-delete/deep/y`],
    )
    for (const file of files) await file.write([bytes('!')], await file.size())
    assert.equal(await read(disk, `${root}/t-0-delete/deep/y`), 't-0/deep/y!')
    for (const file of files) await file.close()
  })

  check('a file that was removed or replaced is gone for those who have it open', async (disk, root) => {
    const removed = await disk.open(`${root}/a`, 'create')
    await disk.remove(`${root}/a`)
    await assert.rejects(removed.write([bytes('x')], 0), failsWith('ENOENT'))
    await assert.rejects(removed.read(Buffer.alloc(1), 0), failsWith('ENOENT'))
    await assert.rejects(removed.sync(), failsWith('ENOENT'))
    await removed.close()
    const replaced = await disk.open(`${root}/b`, 'create')
    await write(disk, `${root}/c`, 'new')
    await disk.rename(`${root}/c`, `${root}/b`)
    await assert.rejects(replaced.size(), failsWith('ENOENT'))
    await replaced.close()
    assert.equal(await read(disk, `${root}/b`), 'new')
    await disk.makeDirectory(`${root}/d/e`)
    const inside = await disk.open(`${root}/d/e/f`, 'create')
    await disk.remove(`${root}/d`)
    await assert.rejects(inside.truncate(0), failsWith('ENOENT'))
    await inside.close()
  })
}

function namesConformance(check: Check): void {
  check('a new file at an old path is another file', async (disk, root) => {
    const first = await disk.open(`${root}/a`, 'create')
    await disk.rename(`${root}/a`, `${root}/a.deleted`)
    const second = await disk.open(`${root}/a`, 'create')
    await Promise.all([first.write([bytes('1')], 0), second.write([bytes('2')], 0)])
    assert.equal(await read(disk, `${root}/a.deleted`), '1')
    assert.equal(await read(disk, `${root}/a`), '2')
    await disk.remove(`${root}/a.deleted`)
    await second.write([bytes('3')], 1)
    await first.close()
    await second.close()
  })

  check('renames that can not be', async (disk, root) => {
    await assert.rejects(disk.rename(`${root}/no`, `${root}/b`), failsWith('ENOENT'))
    await write(disk, `${root}/file`, 'x')
    await disk.makeDirectory(`${root}/full/inner`)
    await disk.makeDirectory(`${root}/empty`)
    await assert.rejects(disk.rename(`${root}/empty`, `${root}/full`), failsWith('ENOTEMPTY'))
    await assert.rejects(disk.rename(`${root}/file`, `${root}/empty`), failsWith('EISDIR'))
    await assert.rejects(disk.rename(`${root}/empty`, `${root}/file`), failsWith('ENOTDIR'))
    await assert.rejects(disk.rename(`${root}/full`, `${root}/full/inner/x`), failsWith('EINVAL'))
    await assert.rejects(disk.rename(`${root}/file`, `${root}/no/file`), failsWith('ENOENT'))
    await disk.rename(`${root}/full`, `${root}/empty`)
    await disk.rename(`${root}/file`, `${root}/file`)
    assert.equal(await read(disk, `${root}/file`), 'x')
    assert.deepEqual(
      (await disk.list(root)).map(entry => entry.name),
      ['empty', 'file'],
    )
  })
}

function directoryConformance(check: Check): void {
  check('directories', async (disk, root) => {
    await disk.makeDirectory(`${root}/b/c`)
    await disk.makeDirectory(`${root}/b/c`)
    await write(disk, `${root}/a`, 'x')
    await write(disk, `${root}/B`, 'x')
    assert.deepEqual(await disk.list(root), [
      { name: 'B', isDirectory: false },
      { name: 'a', isDirectory: false },
      { name: 'b', isDirectory: true },
    ])
    await assert.rejects(disk.list(`${root}/no`), failsWith('ENOENT'))
    await assert.rejects(disk.list(`${root}/a`), failsWith('ENOTDIR'))
    await assert.rejects(disk.makeDirectory(`${root}/a`), failsWith('EEXIST'))
    await assert.rejects(disk.makeDirectory(`${root}/a/b`), failsWith('ENOTDIR'))
    await disk.remove(`${root}/b`)
    await disk.remove(`${root}/b`)
    assert.equal(await disk.stat(`${root}/b`), null)
  })

  check('stat and space', async (disk, root) => {
    await write(disk, `${root}/a`, 'hello')
    const stat = await disk.stat(`${root}/a`)
    assert.ok(stat && !stat.isDirectory && stat.size === 5)
    assert.ok(stat.modifiedMs > 0)
    await disk.setModified(`${root}/a`, 1_600_000_000_000)
    assert.equal((await disk.stat(`${root}/a`))?.modifiedMs, 1_600_000_000_000)
    await assert.rejects(disk.setModified(`${root}/no`, 1), failsWith('ENOENT'))
    assert.equal((await disk.stat(root))?.isDirectory, true)
    assert.equal(await disk.stat(`${root}/no/such`), null)
    await assert.rejects(disk.stat(`${root}/a/b`), failsWith('ENOTDIR'))
    const { totalBytes, usableBytes } = await disk.space(root)
    assert.ok(totalBytes > 0 && usableBytes > 0 && usableBytes <= totalBytes)
    await assert.rejects(disk.space(`${root}/no`), failsWith('ENOENT'))
    await assert.rejects(disk.readFile(`${root}/no`), failsWith('ENOENT'))
    await assert.rejects(disk.readFile(root), failsWith('EISDIR'))
  })
}

function lockConformance(check: Check): void {
  check('a lock is held by one at a time, and its file stays', async (disk, root) => {
    const path = `${root}/.lock`
    const lock = await disk.lock(path)
    assert.ok(lock)
    assert.equal(await disk.lock(path), null)
    assert.deepEqual(await disk.list(root), [{ name: '.lock', isDirectory: false }])
    await assert.rejects(disk.open(path, 'write'), failsWith('EBUSY'))
    await assert.rejects(disk.readFile(path), failsWith('EBUSY'))
    await lock[Symbol.asyncDispose]()
    await lock[Symbol.asyncDispose]()
    assert.deepEqual(await disk.list(root), [{ name: '.lock', isDirectory: false }])
    assert.equal((await disk.stat(path))?.size, 0)
    const again = await disk.lock(path)
    assert.ok(again, 'a file that was left behind is free')
    const other = await disk.lock(`${root}/other`)
    assert.ok(other)
    await again[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })

  check('what can not be locked', async (disk, root) => {
    await assert.rejects(disk.lock(`${root}/no/.lock`), failsWith('ENOENT'))
    await assert.rejects(disk.lock(root), failsWith('EISDIR'))
    await write(
      disk,
      `${root}/full`,
      'somebody wrote something into this one, more than a hundred bytes of it '.repeat(9),
    )
    await assert.rejects(disk.lock(`${root}/full`), failsWith('EEXIST'))
    assert.equal((await disk.stat(`${root}/full`))?.size, 648)
  })
}
