/** Random sequences of calls, made on two disks: whatever they answer, errors included, must be the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DiskError } from '../errors.ts'
import type { Disk, DiskFile, OpenMode } from '../io.ts'
import type { DiskUnderTest } from './disk.ts'

type Step = (disk: Disk, root: string, files: (DiskFile | undefined)[]) => Promise<unknown>

const SLOTS = 4
const NAMES = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'd/e/f']

const name = fc.constantFrom(...NAMES)
const slot = fc.nat(SLOTS - 1)
const position = fc.oneof(fc.nat(20), fc.nat(200_000))
const length = fc.oneof(fc.nat(20), fc.nat(70_000))

const named = (text: string, step: Step): Step & { toString(): string } => Object.assign(step, { toString: () => text })

const onFile = (what: string, index: number, act: (file: DiskFile) => Promise<unknown>): Step =>
  named(`${what} file ${index}`, async (_disk, _root, files) => {
    const file = files[index]
    return file ? act(file) : 'no file'
  })

const open = fc.tuple(slot, name, fc.constantFrom<OpenMode>('read', 'write', 'create')).map(([index, at, mode]) =>
  named(`open ${at} as ${index} to ${mode}`, async (disk, root, files) => {
    if (mode === 'read' && (await disk.stat(`${root}/${at}`).catch(() => null))?.isDirectory)
      return 'left open by io.ts'
    const file = await disk.open(`${root}/${at}`, mode)
    await files[index]?.close()
    files[index] = file
    return file.path.slice(root.length)
  }),
)

const fileSteps = fc.oneof(
  fc.tuple(slot, position, fc.array(length, { maxLength: 3 }), fc.nat(255)).map(([index, at, lengths, byte]) =>
    onFile(`write ${lengths} at ${at} to`, index, file =>
      file.write(
        lengths.map(n => Buffer.alloc(n, byte)),
        at,
      ),
    ),
  ),
  fc.tuple(slot, position, length).map(([index, at, size]) =>
    onFile(`read ${size} at ${at} of`, index, async file => {
      const target = Buffer.alloc(size)
      return [await file.read(target, at), target.toString('base64')]
    }),
  ),
  fc.tuple(slot, position).map(([index, size]) => onFile(`truncate to ${size}`, index, file => file.truncate(size))),
  slot.map(index => onFile('size of', index, file => file.size())),
  slot.map(index => onFile('sync', index, file => file.sync())),
  slot.map(index => onFile('close', index, file => file.close())),
)

const pathSteps = fc.oneof(
  fc
    .tuple(name, name)
    .map(([a, b]) => named(`rename ${a} ${b}`, (disk, root) => disk.rename(`${root}/${a}`, `${root}/${b}`))),
  name.map(at => named(`remove ${at}`, (disk, root) => disk.remove(`${root}/${at}`))),
  name.map(at => named(`make directory ${at}`, (disk, root) => disk.makeDirectory(`${root}/${at}`))),
  name.map(at => named(`list ${at}`, (disk, root) => disk.list(`${root}/${at}`))),
  name.map(at => named(`sync directory ${at}`, (disk, root) => disk.syncDirectory(`${root}/${at}`))),
  name.map(at => named(`read ${at}`, async (disk, root) => (await disk.readFile(`${root}/${at}`)).toString('base64'))),
  name.map(at =>
    named(`stat ${at}`, async (disk, root) => {
      const stat = await disk.stat(`${root}/${at}`)
      return stat && [stat.isDirectory, stat.isDirectory || stat.size]
    }),
  ),
  fc
    .tuple(name, length)
    .map(([at, n]) =>
      named(`replace ${at} by ${n}`, (disk, root) => disk.writeFileAtomic(`${root}/${at}`, Buffer.alloc(n, 'r'))),
    ),
)

async function outcome(step: Step, { disk, root }: DiskUnderTest, files: (DiskFile | undefined)[]): Promise<unknown> {
  try {
    return { gives: await step(disk, root, files) }
  } catch (error) {
    if (error instanceof DiskError) return { throws: error.code }
    throw error
  }
}

export function diskDifferential(one: () => Promise<DiskUnderTest>, other: () => Promise<DiskUnderTest>): void {
  test('the real disk and the one in memory answer the same', async () => {
    const steps = fc.array(fc.oneof(open, fileSteps, pathSteps), { minLength: 5, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(steps, async sequence => {
        await using a = await one()
        await using b = await other()
        const filesA: (DiskFile | undefined)[] = []
        const filesB: (DiskFile | undefined)[] = []
        for (const step of sequence) {
          assert.deepEqual(await outcome(step, a, filesA), await outcome(step, b, filesB), String(step))
        }
        for (const file of [...filesA, ...filesB]) await file?.close()
      }),
      { numRuns: 150 },
    )
  })
}
