/** What all records of `__consumer_offsets` have in common. */

export interface GroupRecordOf<Type extends number, Key, Value> {
  /** One of record-types.ts. */
  readonly type: Type
  readonly key: Key
  /** null: there is no such thing any more. */
  readonly value: Value | null
  /** Of the value. */
  readonly version: number
}

export function textBytes(text: string | null | undefined): number {
  return text ? Buffer.byteLength(text) : 0
}
