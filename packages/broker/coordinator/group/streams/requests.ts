/** What the group machine answers about streams groups: a member of requests.ts of all groups. */
import type { Init } from '@ottla/protocol'
import type { StreamsGroupHeartbeatResponse } from '@ottla/protocol/messages/streams-group-heartbeat'
import type { NewTopic } from './configured-topology.ts'

export type StreamsHeartbeatAnswer = Init<typeof StreamsGroupHeartbeatResponse> & {
  /** Once the answer is out: topics that somebody has to make. */
  readonly topicsToCreate?: readonly NewTopic[]
}
