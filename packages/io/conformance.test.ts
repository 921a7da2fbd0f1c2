/** The suites of conformance/, run against the real world and the simulated one. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DiskUnderTest, diskConformance } from './conformance/disk.ts'
import { NodeDisk, type NodeDiskOptions } from './node/disk.ts'

const nodeDisk = (options: NodeDiskOptions) => async (): Promise<DiskUnderTest> => {
  const root = await mkdtemp(join(tmpdir(), 'ottla-io-'))
  const disk = new NodeDisk(options)
  return { disk, root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) }
}

diskConformance('node', nodeDisk({}))
diskConformance('node, all writes in the thread pool', nodeDisk({ inlineWriteBytes: 0 }))
diskConformance('node, one handle', nodeDisk({ maxOpenFiles: 1 }))
