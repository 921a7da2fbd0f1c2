/** What one version of a message decides about its fields: for both compilers, so that they can't differ in it. */
import { type Field, inRange, type Message, type Shape } from './schema.ts'

export type NamedField = readonly [name: string, field: Field]

export class SchemaVersion {
  readonly version: number
  readonly isFlexible: boolean
  /** For messages to people. */
  readonly title: string

  constructor(schema: Message, version: number) {
    this.version = version
    this.isFlexible = inRange(schema.flexible, version)
    this.title = `${schema.name} v${version}`
  }

  isPresent(field: Field): boolean {
    return inRange(field.versions, this.version)
  }

  /** Whether the field travels in the tag section. */
  isTagged(field: Field): boolean {
    return this.isFlexible && this.isPresent(field) && inRange(field.tagged, this.version)
  }

  isPlain(field: Field): boolean {
    return this.isPresent(field) && !this.isTagged(field)
  }

  isNullable(field: Field): boolean {
    return inRange(field.nullable, this.version)
  }

  /** Whether lengths are uvarints, one more than they say. */
  isCompact(field: Field): boolean {
    return field.flexible ? inRange(field.flexible, this.version) : this.isFlexible
  }

  /** In the order of their tags, which is that on the wire. */
  tagged(shape: Shape): NamedField[] {
    const fields = Object.entries(shape).filter(([, field]) => this.isTagged(field))
    for (const [name, field] of fields) {
      if (holdsRecords(field)) throw new Error(`${this.title}: ${name} holds records, which no tag can: see closeTag`)
    }
    return fields.sort(([, a], [, b]) => a.tag - b.tag)
  }

  /** Fields that the version lacks, and that may not be dropped silently. */
  unsupported(shape: Shape): NamedField[] {
    return Object.entries(shape).filter(([, field]) => !this.isPresent(field) && !field.ignorable)
  }

  /** A nullable struct begins with a byte: 1 if it is there, and this one if not. */
  nullMarker(field: Field): number {
    return this.isTagged(field) ? 0 : -1
  }
}

function holdsRecords({ kind, element, fields }: Field): boolean {
  return kind === 'records' || (element ? holdsRecords(element) : Object.values(fields ?? {}).some(holdsRecords))
}

const NO_BYTES = new Uint8Array(0)

/** Makes a fresh default value at each call. */
export function defaultMaker(field: Field): () => unknown {
  const { kind, defaultValue, fields } = field
  if (defaultValue === null) return () => null
  if (kind === 'array') return () => []
  if (kind === 'bytes' || kind === 'records') return () => NO_BYTES
  if (kind !== 'struct') return () => defaultValue
  const makers = Object.entries(fields!).map(([name, inner]) => [name, defaultMaker(inner)] as const)
  return () => Object.fromEntries(makers.map(([name, make]) => [name, make()]))
}
