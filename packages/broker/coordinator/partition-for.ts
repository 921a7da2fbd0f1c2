/** Which partition of a coordinator's topic a group, a transactional id or a share partition belongs to. */

/** As Java's String.hashCode, over UTF-16 code units: clients and other brokers reckon with it. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

const MIN_INT = -0x8000_0000

export function partitionFor(key: string, partitionCount: number): number {
  const hash = javaHashCode(key)
  return (hash === MIN_INT ? 0 : Math.abs(hash)) % partitionCount
}
