/**
 * An answer as it can be compared: everything that differs from broker to broker or from run to run has a symbol, or one
 * word for all, and what has no order is sorted.
 *
 * - Topic ids, member ids, producer ids, ids of fetch sessions and folders: symbols, in the order in which they come up.
 * - A time that is about now: `now`.
 * - Messages: whether there are words, not which.
 * - Throttle times, addresses, sizes of disks: left out.
 * - Arrays: sorted. Kafka's order is in most cases that of a hash table.
 */
import { batches, decodeRecords, errorName, type Field, type Message, type Shape, ZERO_UUID } from '@ottla/protocol'
import type { Names } from './names.ts'
import type { Value } from './plan.ts'

const LEFT_OUT = new Set(['throttleTimeMs', 'host', 'port', 'clientHost', 'totalBytes', 'usableBytes'])
const WORDS = new Set([
  'errorMessage',
  'batchIndexErrorMessage',
  'acknowledgeErrorMessage',
  'documentation',
  'statusDetail',
])
const RANDOM_NUMBERS: Readonly<Record<string, string>> = { producerId: 'producer', sessionId: 'session' }
const RANDOM_TEXTS: Readonly<Record<string, string>> = {
  memberId: 'member',
  leader: 'member',
  clusterId: 'cluster',
  logDir: 'folder',
}
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
const SHORT_UUID = /^[\w-]{22}$/
const TIME = /timestamp$|TimeMs$/i
const NOW_MS = 1_000_000

/** Something random that has no symbol before the whole answer is sorted. */
class Random {
  readonly actual: string | number
  readonly kind: string
  readonly before: string
  readonly after: string

  constructor(actual: string | number, kind: string, before = '', after = '') {
    this.actual = actual
    this.kind = kind
    this.before = before
    this.after = after
  }
}

type Draft = Value | Random | Draft[] | { [name: string]: Draft }

export type Answer = { readonly [name: string]: Value }

/** Registers what is new in `names`, under the step that it has been told of. */
export function normalise(schema: Message, answer: object, names: Names): Answer {
  const drafted = new Drafter(names).shape(schema.fields, answer as Record<string, unknown>)
  return settle(drafted, names) as Answer
}

class Drafter {
  readonly #names: Names

  constructor(names: Names) {
    this.#names = names
  }

  shape(shape: Shape, value: Record<string, unknown>): Draft {
    const fields: Record<string, Draft> = {}
    for (const [name, field] of Object.entries(shape)) {
      if (!LEFT_OUT.has(name)) fields[name] = this.#field(name, field, value[name])
    }
    return fields
  }

  #field(name: string, field: Field, value: unknown): Draft {
    if (value === null || value === undefined) return null
    if (field.kind === 'struct') return this.shape(field.fields!, value as Record<string, unknown>)
    if (field.kind === 'array') {
      const items = (value as unknown[]).map(item => this.#field(name, field.element!, item))
      return items
        .map(item => [this.#key(item), item] as const)
        .sort(byKey)
        .map(([, item]) => item)
    }
    if (field.kind === 'records') return this.#batches(value as Uint8Array)
    if (field.kind === 'bytes') return this.#names.ownWords(Buffer.from(value as Uint8Array).toString('latin1'))
    if (field.kind === 'uuid') return value === ZERO_UUID ? '' : new Random(value as string, 'topic')
    if (typeof value === 'string') return this.#text(name, value)
    if (typeof value === 'number') return this.#number(name, value)
    return value as Value
  }

  #text(name: string, text: string): Draft {
    if (WORDS.has(name)) return text === '' ? '' : 'words'
    const kind = RANDOM_TEXTS[name]
    if (kind === 'folder' || kind === 'cluster') return text === '' ? '' : new Random(text, kind)
    if (this.#names.known(text)) return this.#names.known(text)!
    const uuid = UUID.exec(text)
    const words = (part: string) => this.#names.ownWords(part)
    if (uuid) {
      const [random] = uuid
      return new Random(
        random,
        'member',
        words(text.slice(0, uuid.index)),
        words(text.slice(uuid.index + random.length)),
      )
    }
    if (kind === 'member' && SHORT_UUID.test(text) && !text.startsWith(this.#names.prefix))
      return new Random(text, kind)
    return words(text)
  }

  #number(name: string, value: number): Draft {
    if (/errorCode$/i.test(name)) return errorName(value)
    if (TIME.test(name) && Math.abs(value - Date.now()) < NOW_MS) return 'now'
    const kind = RANDOM_NUMBERS[name]
    return kind !== undefined && (value > 0 || (value === 0 && kind === 'producer')) ? new Random(value, kind) : value
  }

  /** Their offsets, where they come from, and what is in them. */
  #batches(bytes: Uint8Array): Draft {
    return [...batches(bytes, 'skip')].map(batch => {
      const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, maxTimestamp } = batch
      const isControl = (batch.attributes & 0x20) !== 0
      const records = isControl
        ? 'control'
        : decodeRecords(bytes, batch).map(({ offset, value }) => `${offset} ${value && Buffer.from(value)}`)
      return {
        baseOffset,
        lastOffset,
        producerId: this.#number('producerId', producerId),
        producerEpoch,
        baseSequence,
        attributes: batch.attributes,
        maxTimestamp: this.#number('maxTimestamp', maxTimestamp),
        records,
      }
    })
  }

  /** To sort by: what has no symbol yet counts for nothing. */
  #key(item: Draft): string {
    return JSON.stringify(item, (_, part: unknown) => {
      if (typeof part === 'bigint') return String(part)
      return part instanceof Random ? `${part.before}${this.#names.known(part.actual) ?? '?'}${part.after}` : part
    })
  }
}

function byKey([a]: readonly [string, Draft], [b]: readonly [string, Draft]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function settle(draft: Draft, names: Names): Value {
  if (draft instanceof Random) return `${draft.before}${names.symbol(draft.actual, draft.kind)}${draft.after}`
  if (Array.isArray(draft)) return draft.map(item => settle(item as Draft, names))
  if (draft === null || typeof draft !== 'object') return draft
  return Object.fromEntries(Object.entries(draft).map(([name, field]) => [name, settle(field as Draft, names)]))
}
