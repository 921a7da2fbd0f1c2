/** Draws values for requests: mostly such as make sense, now and then one that does not. */

import type { SeededRandom } from '@ottla/io/memory'
import type { Field, Message, Shape } from '@ottla/protocol'
import { inRange } from '@ottla/protocol'
import type { Wish } from './area.ts'
import type { Value } from './plan.ts'

/** Of a request: how likely each of its values is a wild one. */
const WILDNESS = [0, 0, 0, 0.05, 0.05, 0.2]
const LENGTHS = [0, 1, 1, 1, 1, 1, 1, 2, 2, 3]

export class Draw {
  readonly random: SeededRandom
  readonly version: number
  readonly #wildness: number

  constructor(random: SeededRandom, version: number) {
    this.random = random
    this.version = version
    this.#wildness = WILDNESS[random.integer(WILDNESS.length)]!
  }

  one<T>(from: readonly T[]): T {
    return from[this.random.integer(from.length)]!
  }

  chance(probability: number): boolean {
    return this.random.chance(probability)
  }

  isWild(): boolean {
    return this.random.chance(this.#wildness)
  }

  /** One of the first, or if it is a wild one, of the second. */
  of<T>(sane: readonly T[], wild: readonly T[] = []): T {
    return wild.length > 0 && (sane.length === 0 || this.isWild()) ? this.one(wild) : this.one(sane)
  }

  /** What fields of this kind are filled with if nobody says anything else. */
  plain(field: Field): Value {
    switch (field.kind) {
      case 'bool':
        return this.chance(0.5)
      case 'string':
        return this.of(['~x'], ['', '~y'])
      case 'bytes':
      case 'records':
        return { $: 'text', text: this.of(['', 'x']) }
      case 'uuid':
        return 'AAAAAAAAAAAAAAAAAAAAAA'
      case 'rawInt64':
        return BigInt(this.of([0, 1, -1], [-2, 5]))
      default:
        return this.of([field.defaultValue as number, 0, 1], [-1, -2, 2, 100])
    }
  }
}

/** A request of this version, its fields filled as the wish says. */
export function drawRequest(wish: Wish, schema: Message, draw: Draw): Record<string, Value> {
  return drawShape(wish, schema.fields, '', draw)
}

function drawShape(wish: Wish, shape: Shape, path: string, draw: Draw): Record<string, Value> {
  const drawn: Record<string, Value> = {}
  for (const [name, field] of Object.entries(shape)) {
    if (!inRange(field.versions, draw.version)) continue
    const value = drawField(wish, name, path === '' ? name : `${path}.${name}`, field, draw)
    if (value !== undefined) drawn[name] = value
  }
  return drawn
}

function drawField(wish: Wish, name: string, path: string, field: Field, draw: Draw): Value | undefined {
  const { fields } = wish
  const own = fields[path] ?? fields[name]
  if (own) {
    const value = own(draw)
    const isAllowed = value !== null || inRange(field.nullable, draw.version)
    return isAllowed ? value : undefined
  }
  const isNullable = inRange(field.nullable, draw.version)
  if (isNullable && field.kind !== 'array' && draw.isWild()) return null
  if (field.kind === 'struct') return drawShape(wish, field.fields!, path, draw)
  if (field.kind !== 'array') return draw.plain(field)
  const length = fields[`${path}[]`]?.(draw) ?? (isNullable && draw.isWild() ? null : draw.one(LENGTHS))
  if (length === null) return isNullable ? null : undefined
  const element = field.element!
  return Array.from({ length: length as number }, () => {
    if (element.kind === 'struct') return drawShape(wish, element.fields!, `${path}[]`, draw)
    return (fields[`${path}[]*`]?.(draw) ?? draw.plain(element)) as Value
  })
}
