/** Makes metadata records: a field that is left out gets its default, so that what is replayed is what a reader decodes. */
import type { Init, Message, Of } from '@ottla/protocol'
import * as schemas from '../../protocol/logrecords/cluster-metadata.ts'

type Schemas = typeof schemas
type Names = { [K in keyof Schemas]: Schemas[K] extends Message ? K : never }[keyof Schemas]
export type MetadataRecord = {
  [K in Names]: { readonly type: K; readonly version: number; readonly value: Of<Schemas[K]> }
}[Names]

export function metadataRecord<K extends Names>(type: K, version: number, value: Init<Schemas[K]>): MetadataRecord {
  const full: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schemas[type].fields)) {
    const given = (value as Record<string, unknown>)[name]
    full[name] = given !== undefined ? given : field.defaultValue === undefined ? [] : field.defaultValue
  }
  return { type, version, value: full } as MetadataRecord
}
