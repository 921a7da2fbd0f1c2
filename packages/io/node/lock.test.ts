/** Locks between processes: ours, and one that locks as Java does. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NodeDisk } from './disk.ts'

function directory(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'ottla-lock-'))
  t.after(() => rmSync(root, { recursive: true }))
  return root
}

/** Runs a program that prints a line once it has tried, and stays. */
async function holder(t: TestContext, command: string, args: string[]): Promise<{ child: ChildProcess; says: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout!, 'data')
  return { child, says: String(line).trim() }
}

const lockModule = new URL('./lock.ts', import.meta.url).href
const inNode = (path: string): string[] => [
  '--input-type=module',
  '--eval',
  `import { lockFile } from '${lockModule}'
   const lock = lockFile(${JSON.stringify(path)})
   console.log(lock ? 'locked' : 'refused')
   process.stdin.resume()`,
]

/** fcntl on the whole file, as `FileChannel.tryLock` does. */
const inPython = (path: string): string[] => [
  '-c',
  `import fcntl, sys
f = open(${JSON.stringify(path)}, 'a+')
try:
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print('locked', flush=True)
except OSError:
    print('refused', flush=True)
sys.stdin.read()`,
]
const hasPython = spawnSync('python3', ['--version']).status === 0

async function freed(disk: NodeDisk, path: string, child: ChildProcess): Promise<AsyncDisposable | null> {
  child.kill('SIGKILL')
  await once(child, 'exit')
  return disk.lock(path)
}

test('a lock keeps other processes out, and ends with its process', async t => {
  const path = `${directory(t)}/.lock`
  const disk = new NodeDisk()
  const { child, says } = await holder(t, process.execPath, inNode(path))
  assert.equal(says, 'locked')
  assert.equal(await disk.lock(path), null)
  const lock = await freed(disk, path, child)
  assert.ok(lock, 'killed without a chance to clean up')
  const second = await holder(t, process.execPath, inNode(path))
  assert.equal(second.says, 'refused')
  await lock[Symbol.asyncDispose]()
  const third = await holder(t, process.execPath, inNode(path))
  assert.equal(third.says, 'locked')
})

test('a lock that nobody refers to is held all the same', async t => {
  const path = `${directory(t)}/.lock`
  const program = `
    import { lockFile } from '${lockModule}'
    lockFile(${JSON.stringify(path)})
    await new Promise(resolve => setTimeout(resolve, 1))
    gc()
    await new Promise(resolve => setTimeout(resolve, 1))
    console.log('locked')
    process.stdin.resume()`
  const { says } = await holder(t, process.execPath, ['--expose-gc', '--input-type=module', '--eval', program])
  assert.equal(says, 'locked')
  assert.equal(await new NodeDisk().lock(path), null)
})

test('it is the lock that Java takes, either way round', { skip: !hasPython && 'no python3' }, async t => {
  const path = `${directory(t)}/.lock`
  const disk = new NodeDisk()
  const { child, says } = await holder(t, 'python3', inPython(path))
  assert.equal(says, 'locked')
  assert.equal(await disk.lock(path), null)
  const lock = await freed(disk, path, child)
  assert.ok(lock)
  assert.equal((await holder(t, 'python3', inPython(path))).says, 'refused')
  // A second try in this process must not free the first: closing any descriptor of the file would.
  assert.equal(await disk.lock(path), null)
  await assert.rejects(disk.open(path, 'read'))
  await disk.stat(path)
  assert.equal((await holder(t, 'python3', inPython(path))).says, 'refused')
  await lock[Symbol.asyncDispose]()
  assert.equal((await holder(t, 'python3', inPython(path))).says, 'locked')
})

test('another path to the same directory is the same lock', async t => {
  const root = directory(t)
  const disk = new NodeDisk()
  await disk.makeDirectory(`${root}/data`)
  symlinkSync(`${root}/data`, `${root}/link`)
  const lock = await disk.lock(`${root}/link/.lock`)
  assert.ok(lock)
  assert.equal(await disk.lock(`${root}/data/.lock`), null)
  await lock[Symbol.asyncDispose]()
})
