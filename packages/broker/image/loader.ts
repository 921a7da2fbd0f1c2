/**
 * Follows the metadata log: takes its records one by one, keeps the image of everything seen so far, and says what may
 * be shown to listeners. The difference is metadata transactions (KIP-868): between Begin and End nothing is shown,
 * then all of it at once; an Abort takes it back. The controller decides on `image`, which includes an open
 * transaction; listeners get the `published` deltas, which never do.
 *
 * It knows nothing of commits: whoever replays uncommitted records holds the deltas back until they are, and goes back
 * to a committed image with `reset` when they never will be.
 */
import { MetadataError } from '../errors.ts'
import { DeltaBuilder, type MetadataDelta, mergeDeltas, revertedDelta } from './delta.ts'
import { EMPTY_IMAGE, type MetadataImage, type Provenance } from './image.ts'
import type { MetadataRecord } from './records.ts'

export interface Loaded {
  /** From the image at the last call to the one now, step by step. */
  readonly applied: readonly MetadataDelta[]
  /** The same for those outside: nothing while a transaction is open. */
  readonly published: readonly MetadataDelta[]
}

interface OpenTransaction {
  /** Of the BeginTransactionRecord. */
  readonly offset: number
  readonly before: MetadataImage
  /** All it did so far; null if nothing yet. */
  delta: MetadataDelta | null
}

export class MetadataLoader {
  #image: MetadataImage
  #builder: DeltaBuilder | null = null
  #transaction: OpenTransaction | null = null
  #applied: MetadataDelta[] = []
  #published: MetadataDelta[] = []

  constructor(image: MetadataImage = EMPTY_IMAGE) {
    this.#image = image
  }

  /** As of the last `settle`. */
  get image(): MetadataImage {
    return this.#image
  }

  /** The same without what an open transaction did. */
  get stableImage(): MetadataImage {
    return this.#transaction?.before ?? this.#image
  }

  /** Offset of the BeginTransactionRecord; null if no transaction is open. */
  get transactionOffset(): number | null {
    return this.#transaction?.offset ?? null
  }

  /** Throws a MetadataError, after which the loader is of no use until it is `reset`. */
  replay(record: MetadataRecord, offset: number): void {
    switch (record.type) {
      case 'BeginTransactionRecord':
        if (this.#transaction)
          throw broken(`a transaction begins at ${offset} in the one from ${this.#transaction.offset}`)
        this.#flush({ ...this.#image.provenance, offset: offset - 1, isBatchAligned: false })
        this.#transaction = { offset, before: this.#image, delta: null }
        break
      case 'EndTransactionRecord':
        this.#end(offset)
        break
      case 'AbortTransactionRecord':
        this.#abort(offset)
        break
      default:
        this.#builder ??= new DeltaBuilder(this.#image)
        this.#builder.replay(record)
    }
  }

  /** Brings `image` up to all that was replayed. `provenance` says which offset that is. */
  settle(provenance: Provenance): Loaded {
    this.#builder ??= new DeltaBuilder(this.#image)
    this.#flush(provenance)
    const loaded = { applied: this.#applied, published: this.#published }
    this.#applied = []
    this.#published = []
    return loaded
  }

  /** Forgets all that was replayed and goes on from `image`, which no transaction was open in. */
  reset(image: MetadataImage): void {
    this.#image = image
    this.#builder = null
    this.#transaction = null
    this.#applied = []
    this.#published = []
  }

  #flush(provenance: Provenance): void {
    if (!this.#builder) return
    this.#push(this.#builder.build(provenance))
    this.#builder = null
  }

  #push(delta: MetadataDelta): void {
    this.#image = delta.image
    this.#applied.push(delta)
    if (!this.#transaction) this.#published.push(delta)
    else this.#transaction.delta = this.#transaction.delta ? mergeDeltas(this.#transaction.delta, delta) : delta
  }

  #end(offset: number): void {
    const transaction = this.#transaction
    if (!transaction) throw broken(`a transaction ends at ${offset} that did not begin`)
    this.#flush({ ...this.#image.provenance, offset, isBatchAligned: false })
    this.#transaction = null
    if (transaction.delta) this.#published.push(transaction.delta)
  }

  #abort(offset: number): void {
    const transaction = this.#transaction
    if (!transaction) throw broken(`a transaction is aborted at ${offset} that did not begin`)
    const provenance = { ...this.#image.provenance, offset, isBatchAligned: false }
    this.#flush(provenance)
    this.#transaction = null
    if (!transaction.delta) return
    const back = revertedDelta(transaction.delta, provenance)
    this.#image = back.image
    this.#applied.push(back)
    // To those outside nothing happened but that the log went on.
    this.#published.push({ ...new DeltaBuilder(transaction.before).build(provenance), image: back.image })
  }
}

function broken(message: string): MetadataError {
  return new MetadataError('ERR_BROKEN_RECORD', message)
}
