/** The JSON files that tools are given, checked field by field. */
import { ToolError } from './java/errors.ts'

export function parseJson(text: string): Readonly<Record<string, unknown>> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new ToolError('The input string is not a valid JSON')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ToolError(`Expected JSON object, received ${JSON.stringify(json)}`)
  return json as Record<string, unknown>
}

interface Kinds {
  readonly string: string
  readonly number: number
}

/** A whole number, or a string, that has to be there. */
export function field<K extends keyof Kinds>(object: unknown, name: string, kind: K): Kinds[K] {
  const value = (object as Record<string, unknown> | null)?.[name]
  if (value === undefined) throw new ToolError(`No such field exists: \`${name}\``)
  if (typeof value !== kind || (kind === 'number' && !Number.isSafeInteger(value)))
    throw new ToolError(
      `Expected \`${kind === 'number' ? 'Integer' : 'String'}\` value, received ${JSON.stringify(value)}`,
    )
  return value as Kinds[K]
}

export function listField(object: unknown, name: string): unknown[] {
  const value = (object as Record<string, unknown>)[name]
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new ToolError(`Expected JSON array, received ${JSON.stringify(value)}`)
  return value
}
