/** AllocateProducerIds: a broker gets a block of ids that no other has had. */
import type { Init } from '@ottla/protocol'
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '@ottla/protocol/messages/allocate-producer-ids'
import { ApiError } from '../errors.ts'
import { metadataRecord } from '../image/index.ts'
import { type ControllerResult, type ControllerState, currentBroker } from './state.ts'

const BLOCK_SIZE = 1000

export function allocateProducerIds(
  state: ControllerState,
  { brokerId, brokerEpoch }: AllocateProducerIdsRequest,
): ControllerResult<Init<typeof AllocateProducerIdsResponse>> {
  currentBroker(state, brokerId, brokerEpoch)
  const producerIdStart = Math.max(0, state.image.nextProducerId)
  const nextProducerId = producerIdStart + BLOCK_SIZE
  if (nextProducerId > Number.MAX_SAFE_INTEGER) {
    throw new ApiError('UNKNOWN_SERVER_ERROR', 'All producer ids have been handed out.')
  }
  return {
    records: [metadataRecord('ProducerIdsRecord', 0, { brokerId, brokerEpoch, nextProducerId })],
    isAtomic: true,
    response: { errorCode: 0, producerIdStart, producerIdLen: BLOCK_SIZE },
  }
}
