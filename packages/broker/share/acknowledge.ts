/** What a member says of records that it has: accepted, released, rejected, or that it needs more time for them (KIP-1222). */
import { ApiError } from '../errors.ts'
import { type InFlight, type InFlightBatch, NOBODY, RecordState } from './in-flight.ts'
import type { ShareWindow } from './share-window.ts'

export interface AcknowledgementBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  /** One for all of it, or one for each offset. */
  readonly acknowledgeTypes: readonly number[]
}

/** A gap is an offset without a record: nothing is ever to be done with it. */
export const AcknowledgeType = { GAP: 0, ACCEPT: 1, RELEASE: 2, REJECT: 3, RENEW: 4 } as const

const STATES: ReadonlyMap<number, RecordState> = new Map([
  [AcknowledgeType.GAP, RecordState.ARCHIVED],
  [AcknowledgeType.ACCEPT, RecordState.ACKNOWLEDGED],
  [AcknowledgeType.RELEASE, RecordState.AVAILABLE],
  [AcknowledgeType.REJECT, RecordState.ARCHIVED],
])

/** Changes what it can and puts it in `changed`; throws an ApiError at the first thing that can't be. */
export function acknowledge(
  window: ShareWindow,
  memberId: string,
  acknowledged: readonly AcknowledgementBatch[],
  changed: InFlight[],
  nowMs: number,
): void {
  const call: Call = { window, memberId, changed, nowMs }
  for (const acknowledgement of acknowledged) {
    const { acknowledgeTypes, lastOffset } = acknowledgement
    if (acknowledgeTypes.some(type => type !== AcknowledgeType.RENEW && !STATES.has(type))) {
      throw new ApiError('INVALID_REQUEST', `Invalid acknowledge type: [${acknowledgeTypes.join(', ')}]`)
    }
    if (lastOffset < window.startOffset) continue
    for (const batch of batchesOf(window, acknowledgement)) {
      if (batch.lastOffset >= window.startOffset) acknowledgeBatch(call, acknowledgement, batch)
    }
  }
}

interface Call {
  readonly window: ShareWindow
  readonly memberId: string
  readonly changed: InFlight[]
  readonly nowMs: number
}

function batchesOf(window: ShareWindow, { firstOffset, lastOffset }: AcknowledgementBatch): InFlightBatch[] {
  const { batches, startOffset } = window
  const isPastStart = firstOffset < startOffset && lastOffset >= startOffset
  const floor = batches.floor(firstOffset) ?? (isPastStart ? batches.floor(startOffset) : undefined)
  if (!floor) throw invalid('Batch record not found. The request batch offsets are not found in the cache.')
  const found = batches.between(floor.firstOffset, lastOffset)
  const end = found.at(-1)?.lastOffset ?? -1
  if (end < firstOffset) {
    throw new ApiError(
      'INVALID_REQUEST',
      'Batch record not found. The first offset in request is past acquired records.',
    )
  }
  if (end < lastOffset) {
    throw new ApiError(
      'INVALID_REQUEST',
      'Batch record not found. The last offset in request is past acquired records.',
    )
  }
  return found
}

function acknowledgeBatch(call: Call, acknowledgement: AcknowledgementBatch, batch: InFlightBatch): void {
  const { window, memberId } = call
  const { firstOffset, lastOffset, acknowledgeTypes } = acknowledgement
  if (!batch.isSplit) {
    const { only } = batch
    if (only.memberId === NOBODY) throw invalid(NOT_ACQUIRED)
    if (only.memberId !== memberId) throw invalid('Member is not the owner of batch record')
    const isOne = batch.lies(firstOffset, lastOffset) && acknowledgeTypes.length === 1
    if (isOne && batch.firstOffset >= window.startOffset) {
      acknowledgePart(call, only, acknowledgeTypes[0]!)
      return
    }
    batch.split(window.locks)
  }
  for (const part of batch.partsWithin(Math.max(firstOffset, window.startOffset), lastOffset)) {
    if (part.state !== RecordState.ACQUIRED) {
      throw invalid('The offset cannot be acknowledged. The offset is not acquired.')
    }
    if (part.memberId !== memberId) throw invalid('Member is not the owner of offset')
    const index = acknowledgeTypes.length > 1 ? part.firstOffset - firstOffset : 0
    acknowledgePart(call, part, acknowledgeTypes[index]!)
  }
}

const NOT_ACQUIRED = 'The batch cannot be acknowledged. The batch is not in the acquired state.'

function acknowledgePart({ window, changed, nowMs }: Call, part: InFlight, type: number): void {
  const { isRenewEnabled, recordLockDurationMs, deliveryCountLimit } = window.limits()
  if (type === AcknowledgeType.RENEW) {
    if (!isRenewEnabled) throw invalid('Renewing acquisition locks is not enabled for the group.')
    part.unlock(window.locks)
    part.lock(nowMs + recordLockDurationMs, window.locks)
    return
  }
  part.beginGiving(STATES.get(type)!, deliveryCountLimit)
  changed.push(part)
  window.countDone(part)
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_RECORD_STATE', message)
}
