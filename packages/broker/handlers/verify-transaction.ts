/**
 * For Produce: which of its batches may open a transaction in their partitions (KIP-890). All of a request are of one
 * producer, and asked for at once.
 */
import type { PartitionLog } from '@ottla/log'
import { type BatchHeader, ErrorCode, type ErrorName, errorName, readBatchHeader } from '@ottla/protocol'
import type { ProduceRequest } from '@ottla/protocol/messages/produce'
import type { Verdict, VerificationSupport, VerifiedPartition } from '../coordinator/transaction-verifier.ts'
import { ApiError, isExpected } from '../errors.ts'
import type { TopicImage } from '../image/index.ts'
import { isTransactionalBatch, theOnlyBatch } from '../replica/append.ts'
import type { Partition } from '../replica/partition.ts'
import type { Services } from '../services.ts'

type PartitionData = ProduceRequest['topicData'][number]['partitionData'][number]
export type Verdicts = ReadonlyMap<PartitionData, Verdict>
/** Throws an ApiError for a topic or partition that is not there. */
type Find = (name: string, topicId: string, index: number) => TopicImage

interface TransactionalBatch {
  readonly data: PartitionData
  readonly header: BatchHeader
  readonly partition: VerifiedPartition
  readonly replica: Partition
}

const ADDS_SINCE = 12
const ABORTABLE_SINCE = 11

/**
 * Of those that are transactional; null: none is. Not a promise if nobody has to be asked. Throws
 * INVALID_PRODUCER_ID_MAPPING for a request of two producers.
 */
export function verifyTransaction(
  request: ProduceRequest,
  apiVersion: number,
  find: Find,
  services: Services,
): Verdicts | null | Promise<Verdicts> {
  const { transactionalId } = request
  if (transactionalId === null) return null
  const batches = transactionalBatches(request, apiVersion, find, services)
  const [first] = batches
  if (!first) return null
  const { producerId, producerEpoch } = first.header
  if (batches.some(({ header }) => header.producerId !== producerId || header.producerEpoch !== producerEpoch))
    throw new ApiError('INVALID_PRODUCER_ID_MAPPING', `${transactionalId} writes as more than one producer`)
  const verify = () =>
    services.transactionVerifier.verifyPatiently(
      { transactionalId, producerId, producerEpoch },
      batches.map(({ partition }) => partition),
      supportOf(apiVersion),
    )
  const verdicts = inOpenLogs(
    batches.map(({ replica }) => replica),
    verify,
  )
  const byData = (found: readonly Verdict[]) => new Map(batches.map(({ data }, i) => [data, found[i]!]))
  return verdicts instanceof Promise ? verdicts.then(byData) : byData(verdicts)
}

type Verifying = readonly Verdict[] | Promise<readonly Verdict[]>

/**
 * A verdict holds in the log that it was made for. A log that is being opened is waited for, and where another one has
 * taken its place meanwhile, in another log dir, it begins anew.
 */
function inOpenLogs(replicas: readonly Partition[], verify: () => Verifying): Verifying {
  if (replicas.some(({ log }) => !log))
    return Promise.all(replicas.map(({ ready }) => ready)).then(() => inTheSameLogs(replicas, verify))
  return inTheSameLogs(replicas, verify)
}

function inTheSameLogs(replicas: readonly Partition[], verify: () => Verifying): Verifying {
  const logs = replicas.map(({ log }) => log)
  const verdicts = verify()
  if (!(verdicts instanceof Promise)) return verdicts
  return verdicts.then(found =>
    replicas.every(({ log }, i) => log === logs[i]) ? found : inOpenLogs(replicas, verify),
  )
}

function transactionalBatches(request: ProduceRequest, apiVersion: number, find: Find, services: Services) {
  const batches: TransactionalBatch[] = []
  for (const { name, topicId, partitionData } of request.topicData) {
    for (const data of partitionData) {
      if (!isTransactionalBatch(data.records)) continue
      try {
        const topic = find(name, topicId, data.index)
        const header = readBatchHeader(theOnlyBatch(data.records, name, apiVersion))
        if (header.producerId < 0) continue
        const replica = services.replicas.get(topic.id, data.index)
        const log = (): PartitionLog => replica.leaderLog(-1)
        const partition = { topic: topic.name, partition: data.index, baseSequence: header.baseSequence, log }
        batches.push({ data, header, partition, replica })
      } catch (error) {
        // It is found again, and told, where the batch is to be appended.
        if (!isExpected(error)) throw error
      }
    }
  }
  return batches
}

function supportOf(apiVersion: number): VerificationSupport {
  if (apiVersion >= ADDS_SINCE) return 'adds'
  return apiVersion >= ABORTABLE_SINCE ? 'abortable' : 'legacy'
}

/** What older producers take for a reason to try again, without looking for another leader first. */
const UNDECIDED: ReadonlySet<number> = new Set([
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

/** The producer is told more than the code. */
export class UnverifiedError extends ApiError {}

/** Why a batch was not appended. */
export function unverified(errorCode: number, apiVersion: number): ApiError {
  const name = errorName(errorCode) as ErrorName
  const isLate = errorCode === ErrorCode.CONCURRENT_TRANSACTIONS && supportOf(apiVersion) !== 'adds'
  if (UNDECIDED.has(errorCode) || isLate)
    return new UnverifiedError('NOT_ENOUGH_REPLICAS', `the partition may or may not be in the transaction: ${name}`)
  if (errorCode === ErrorCode.INVALID_TXN_STATE)
    return new UnverifiedError(name, 'the partition is not in the transaction')
  return new ApiError(name, '')
}
