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

/** Throws where a tombstone says of something that it is gone while the log still has what belongs to it. */
export function mustBeGone(isLeft: boolean, what: string, id: string): void {
  if (isLeft) throw new Error(`a tombstone of ${what} ${id}, of which something is left`)
}

export function textBytes(text: string | null | undefined): number {
  return text ? Buffer.byteLength(text) : 0
}
