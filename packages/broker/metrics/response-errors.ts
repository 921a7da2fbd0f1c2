/**
 * Counts the error codes that a response tells, at its top and at each thing in it. Where they are in a version is known from
 * the schema, so that only what leads to one is looked at.
 */
import { type Field, inRange, type Message, type Shape } from '@ottla/protocol'

/** Adds to `counts`. A field that was left out is no error. */
export type ErrorCounter = (response: object, counts: ErrorCounts) => void

/** By error code, of which the lowest is -1. An array, because each response adds to it, and most to the same place. */
export class ErrorCounts {
  readonly #counts: number[] = []

  add(code: number): void {
    this.#counts[code + 1] = (this.#counts[code + 1] ?? 0) + 1
  }

  *entries(): Iterable<[code: number, count: number]> {
    for (const [i, count] of this.#counts.entries()) if (count) yield [i - 1, count]
  }
}

const FIELD = 'errorCode'

export function errorCounter({ fields }: Message, version: number): ErrorCounter {
  return structCounter(fields, version) ?? (() => undefined)
}

/** null: there is none in it. */
function structCounter(fields: Shape, version: number): ErrorCounter | null {
  const inside = Object.entries(fields).flatMap(([name, field]) => {
    const count = inRange(field.versions, version) ? valueCounter(field, version) : null
    return count ? [[name, count] as const] : []
  })
  const own = fields[FIELD]
  const hasOwn = own?.kind === 'int16' && inRange(own.versions, version)
  if (!hasOwn && inside.length === 0) return null
  return (value, counts) => {
    const struct = value as Readonly<Record<string, unknown>>
    if (hasOwn) counts.add((struct[FIELD] as number | undefined) ?? 0)
    for (const [name, count] of inside) {
      const inner = struct[name]
      if (inner) count(inner, counts)
    }
  }
}

function valueCounter(field: Field, version: number): ErrorCounter | null {
  if (field.kind === 'struct' && field.fields) return structCounter(field.fields, version)
  const element = field.kind === 'array' && field.element?.kind === 'struct' ? field.element.fields : null
  const count = element && structCounter(element, version)
  if (!count) return null
  return (elements, counts) => {
    for (const one of elements as readonly object[]) count(one, counts)
  }
}
