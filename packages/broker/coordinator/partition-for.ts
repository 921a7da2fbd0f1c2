/** Which partition of a coordinator's topic a group, a transactional id or a share partition belongs to. */

import { javaHashCode } from '../java-hash.ts'

const MIN_INT = -0x8000_0000

export function partitionFor(key: string, partitionCount: number): number {
  const hash = javaHashCode(key)
  return (hash === MIN_INT ? 0 : Math.abs(hash)) % partitionCount
}
