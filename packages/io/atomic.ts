/** How every disk replaces a file: the same steps, so that what a crash between two of them leaves is the same too. */
import { dirname } from 'node:path'
import type { Disk } from './io.ts'

export async function writeFileAtomic(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await writeSynced(disk, temporary, bytes)
    await disk.rename(temporary, path)
  } catch (error) {
    await disk.remove(temporary).catch(() => {}) // the first error is the one that tells
    throw error
  }
  await disk.syncDirectory(dirname(path))
}

async function writeSynced(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    await file.truncate(0) // left by a crash
    await file.write([bytes], 0)
    await file.sync()
  } finally {
    await file.close()
  }
}
