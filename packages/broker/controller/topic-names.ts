/** Which names a topic may have, and which of them Kafka's metrics could not tell apart. */
import type { MetadataImage } from '../image/index.ts'

export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'
const MAX_LENGTH = 249

/** Why the name is not allowed; null: it is. */
export function topicNameError(name: string): string | null {
  const reason = reasonAgainst(name)
  return reason === null ? null : `Topic name is invalid: ${reason}`
}

function reasonAgainst(name: string): string | null {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return `'${name}' is reserved`
  if (name.length > MAX_LENGTH) return `'${name}' has ${name.length} characters, more than ${MAX_LENGTH}`
  if (!/^[a-zA-Z0-9._-]*$/.test(name))
    return `'${name}' has characters other than ASCII letters, digits, '.', '_' and '-'`
  return null
}

/**
 * Names that differ only in '.' and '_': metrics replace the one by the other, so a new topic must not collide with
 * another. (A log may hold such a pair nevertheless, from before Kafka checked: KAFKA-13743.)
 */
export class TopicNameIndex {
  readonly #names = new Map<string, Set<string>>()

  static of(image: MetadataImage): TopicNameIndex {
    const index = new TopicNameIndex()
    for (const name of image.topicsByName.keys()) index.add(name)
    return index
  }

  add(name: string): void {
    if (!mayCollide(name)) return
    const unified = unify(name)
    const names = this.#names.get(unified)
    if (names) names.add(name)
    else this.#names.set(unified, new Set([name]))
  }

  delete(name: string): void {
    if (!mayCollide(name)) return
    const unified = unify(name)
    const names = this.#names.get(unified)
    names?.delete(name)
    if (names?.size === 0) this.#names.delete(unified)
  }

  /** A topic that a new one of this name would collide with; null: none. The topic itself counts. */
  collision(name: string): string | null {
    if (!mayCollide(name)) return null
    return this.#names.get(unify(name))?.values().next().value ?? null
  }
}

function mayCollide(name: string): boolean {
  return name.includes('.') || name.includes('_')
}

function unify(name: string): string {
  return name.replaceAll('.', '_')
}
