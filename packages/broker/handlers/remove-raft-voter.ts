/** RemoveRaftVoter (key 81), version 0 (KIP-853): the last voter stays, and this node is the only one. */
import { ZERO_UUID } from '@ottla/protocol'
import { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '@ottla/protocol/messages/remove-raft-voter'
import { ApiError } from '../errors.ts'
import { defineHandler } from './handler.ts'
import { checkAsked, keysText, keyText } from './raft-voters.ts'

export const removeRaftVoter = defineHandler({
  request: RemoveRaftVoterRequest,
  response: RemoveRaftVoterResponse,
  handle({ clusterId, ...voter }, _context, services) {
    const quorum = services.describeQuorum()
    checkAsked(clusterId, quorum, services)
    if (voter.voterId < 0 || voter.voterDirectoryId === ZERO_UUID)
      throw new ApiError('INVALID_REQUEST', "Remove voter request didn't include a valid voter")
    const level = services.metadata.kraftVersion()
    if (level < 1) {
      const message = `Cluster doesn't support removing voter because the kraft.version feature is ${level}`
      throw new ApiError('UNSUPPORTED_VERSION', message)
    }
    const message = `Cannot remove voter ${keyText(voter)} from the set of voters ${keysText(quorum.voters)}`
    throw new ApiError('VOTER_NOT_FOUND', message)
  },
})
