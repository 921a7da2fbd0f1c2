/** Makes metadata records: a field that is left out gets its default, so that what is replayed is what a reader decodes. */
import type { Field, MetadataRecord, MetadataRecordOf, MetadataRecordType } from '@ottla/protocol'
import * as clusterMetadata from '@ottla/protocol/logrecords/cluster-metadata'

export type { MetadataRecord } from '@ottla/protocol'

type Loose<T> = T extends readonly (infer E)[] ? readonly E[] : T
type Given<V> = { readonly [F in keyof V]?: Loose<V[F]> }

interface DefaultOf {
  readonly name: string
  readonly defaultValue: unknown
}

const defaults = new Map<string, readonly DefaultOf[]>(
  Object.values(clusterMetadata).map(({ name, fields }) => [name, Object.entries<Field>(fields).map(defaultOf)]),
)

function defaultOf([name, { kind, defaultValue }]: [string, Field]): DefaultOf {
  return { name, defaultValue: kind === 'array' && defaultValue === undefined ? Object.freeze([]) : defaultValue }
}

export function metadataRecord<T extends MetadataRecordType>(
  type: T,
  version: number,
  given: Given<MetadataRecordOf<T>['value']>,
): MetadataRecord {
  const value: Record<string, unknown> = {}
  for (const { name, defaultValue } of defaults.get(type)!) {
    const own = (given as Record<string, unknown>)[name]
    value[name] = own === undefined ? defaultValue : own
  }
  return { type, version, value } as unknown as MetadataRecord
}
