/**
 * What ShareFetch and ShareAcknowledge have in common: acknowledgements of many partitions, of which those that can't be
 * meant are refused here, and the others by the share partitions.
 */
import { ErrorCode } from '@ottla/protocol'
import type { Services } from '../services.ts'
import type { AcknowledgementBatch } from '../share/acknowledge.ts'
import type { Acknowledged, AcknowledgeResult } from '../share/share-partition-manager.ts'

export interface AcknowledgedTopic {
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly acknowledgementBatches: readonly AcknowledgementBatch[]
  }[]
}

export interface Acknowledger {
  readonly groupId: string
  readonly memberId: string
  readonly apiVersion: number
  /** The request says that it has renewals in it. */
  readonly isRenewAck: boolean
}

const RENEW = 4
const RENEW_SINCE = 2

export async function acknowledgeAll(
  topics: readonly AcknowledgedTopic[],
  by: Acknowledger,
  services: Services,
): Promise<AcknowledgeResult[]> {
  const results: AcknowledgeResult[] = []
  const wanted: Acknowledged[] = []
  const idle: AcknowledgeResult[] = []
  for (const { topicId, partition, batches } of eachOnce(topics)) {
    const errorCode = checkBatches(services.metadata.topicById(topicId), partition, batches, by)
    const result = { topicId, partition, errorCode, errorMessage: null }
    if (errorCode !== ErrorCode.NONE) results.push(result)
    else if (batches.length > 0) wanted.push({ topicId, partition, batches })
    else idle.push(result)
  }
  const { groupId, memberId } = by
  // Where nothing is acknowledged is told only beside what is.
  if (wanted.length === 0) return results
  return [...results, ...idle, ...(await services.shares.partitions.acknowledge(groupId, memberId, wanted))]
}

/** Of a partition that is there twice, what is said last. */
function eachOnce(topics: readonly AcknowledgedTopic[]): Iterable<Acknowledged> {
  const wanted = new Map<string, Acknowledged>()
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex: partition, acknowledgementBatches: batches } of partitions)
      wanted.set(`${topicId}:${partition}`, { topicId, partition, batches })
  }
  return wanted.values()
}

function checkBatches(
  topic: { readonly partitions: readonly unknown[] } | undefined,
  partition: number,
  batches: readonly AcknowledgementBatch[],
  by: Acknowledger,
): number {
  if (!topic) return ErrorCode.UNKNOWN_TOPIC_ID
  if (!areValid(batches, by)) return ErrorCode.INVALID_REQUEST
  return topic.partitions[partition] === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE
}

function areValid(batches: readonly AcknowledgementBatch[], { apiVersion, isRenewAck }: Acknowledger): boolean {
  const maxType = apiVersion >= RENEW_SINCE ? RENEW : RENEW - 1
  let end = -1
  for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
    const { length } = acknowledgeTypes
    if (firstOffset > lastOffset || firstOffset < end || length === 0) return false
    if (length > 1 && length !== lastOffset - firstOffset + 1) return false
    if (acknowledgeTypes.some(type => type < 0 || type > maxType || (type === RENEW && !isRenewAck))) return false
    end = lastOffset
  }
  return true
}
