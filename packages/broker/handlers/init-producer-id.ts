/**
 * InitProducerId (key 22), versions 0 to 6: an id and epoch for an idempotent producer; for one with a transactional id
 * the next epoch, which fences whoever had the id before, after what that one left open has been aborted.
 *
 * 3 a producer goes on after an error (KIP-360) · 4 PRODUCER_FENCED · 6 two-phase commit (KIP-939): not final, so told only
 * with unstable.api.versions.enable
 */
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { defineHandler } from './handler.ts'

export const initProducerId = defineHandler({
  request: InitProducerIdRequest,
  response: InitProducerIdResponse,
  handle(request, { apiVersion }, { transactions }) {
    return transactions.initProducerId(request, apiVersion)
  },
})
