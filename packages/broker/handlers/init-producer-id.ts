/**
 * InitProducerId (key 22), versions 0 to 5: an id and epoch for an idempotent producer. A producer with a transactional
 * id is refused: transactions are not served yet.
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '@ottla/protocol'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ApiError } from '../errors.ts'
import { defineHandler } from './handler.ts'

export const initProducerId = defineHandler({
  request: InitProducerIdRequest,
  response: InitProducerIdResponse,
  async handle({ transactionalId, producerId, producerEpoch }, _context, services) {
    if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) {
      throw new ApiError('INVALID_REQUEST', `producer id ${producerId} does not go with epoch ${producerEpoch}`)
    }
    if (transactionalId !== null) throw new ApiError('INVALID_REQUEST', 'transactions are not served yet')
    return { producerId: await services.producerIds.next(), producerEpoch: 0 }
  },
})
