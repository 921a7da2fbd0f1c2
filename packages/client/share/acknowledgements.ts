/** What is to be said of acquired records: marks by offset, and the ranges that a request has of them. */

/** As the protocol numbers them; a gap is an offset that has no record. */
export const AcknowledgeType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const
export type AcknowledgeType = (typeof AcknowledgeType)[keyof typeof AcknowledgeType]

export interface AcknowledgementBatch {
  readonly firstOffset: number
  lastOffset: number
  readonly acknowledgeTypes: AcknowledgeType[]
}

/** Of one partition. */
export class Acknowledgements {
  readonly #types = new Map<number, AcknowledgeType>()

  /** Of records. */
  get offsets(): number[] {
    const ofRecords = [...this.#types].filter(([, type]) => type !== AcknowledgeType.gap)
    return ofRecords.map(([offset]) => offset).sort((a, b) => a - b)
  }

  set(offset: number, type: AcknowledgeType): void {
    this.#types.set(offset, type)
  }

  /** All of them, which are forgotten by that. */
  take(): { readonly offsets: number[]; readonly batches: AcknowledgementBatch[] } {
    const { offsets } = this
    const sorted = [...this.#types].sort(([a], [b]) => a - b)
    this.#types.clear()
    const batches: AcknowledgementBatch[] = []
    for (const [offset, type] of sorted) {
      const last = batches.at(-1)
      if (last && last.lastOffset === offset - 1 && last.acknowledgeTypes[0] === type) last.lastOffset = offset
      else batches.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [type] })
    }
    return { offsets, batches }
  }
}
