/**
 * AddRaftVoter (key 80), versions 0 and 1 (KIP-853): 1 the answer may come before the change is committed. A voter has to
 * have caught up with the log before it votes. Nobody replicates this node's metadata log, so nobody has: what is right
 * about a request is answered as Kafka does of a node that lags behind.
 */
import { ZERO_UUID } from '@ottla/protocol'
import { AddRaftVoterRequest, AddRaftVoterResponse } from '@ottla/protocol/messages/add-raft-voter'
import { ApiError } from '../errors.ts'
import { defineHandler } from './handler.ts'
import { checkAsked, keysText, keyText } from './raft-voters.ts'

export const addRaftVoter = defineHandler({
  request: AddRaftVoterRequest,
  response: AddRaftVoterResponse,
  handle({ clusterId, voterId, voterDirectoryId, listeners }, _context, services) {
    const quorum = services.describeQuorum()
    checkAsked(clusterId, quorum, services)
    if (voterId < 0 || voterDirectoryId === ZERO_UUID)
      throw new ApiError('INVALID_REQUEST', "Add voter request didn't include a valid voter")
    const listener = services.config.listeners.advertisedController[0]?.name
    if (!listeners.some(({ name }) => name === listener)) {
      const message = `Add voter request didn't include the endpoint for the default listener ${listener}`
      throw new ApiError('INVALID_REQUEST', message)
    }
    const level = services.metadata.kraftVersion()
    if (level < 1) {
      const message = `Cluster doesn't support adding voter because the kraft.version feature is ${level}`
      throw new ApiError('UNSUPPORTED_VERSION', message)
    }
    const voter = keyText({ voterId, voterDirectoryId })
    if (quorum.voters.some(each => each.voterId === voterId)) {
      const message = `The voter id for ${voter} is already part of the set of voters ${keysText(quorum.voters)}.`
      throw new ApiError('DUPLICATE_VOTER', message)
    }
    throw new ApiError('REQUEST_TIMED_OUT', `Aborted add voter operation for ${voter} since it is lagging behind`)
  },
})
