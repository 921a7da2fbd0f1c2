/** For scenarios: a client of the consumer protocol, which remembers what it was told and says what it is asked to say. */
import { ErrorCode, type Init } from '@ottla/protocol'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import type { TopicPartitions } from '../consumer/assignment.ts'
import { JOINING_EPOCH } from '../consumer/member.ts'
import { topicIdOf } from './image.ts'

export interface ConsumerClient {
  memberId: string
  epoch: number
  instanceId: string | null
  /** What it was last told. */
  assigned: readonly TopicPartitions[]
}

export function newConsumer(memberId: string): ConsumerClient {
  return { memberId, epoch: 0, instanceId: null, assigned: [] }
}

/**
 * `ack`: it has what it was told; `owned=1:0,1` of the first topic, `owned=none`. `topics=`, `regex=`, `assignor=`, `rack=`,
 * `rebalance=` say something; `epoch=`, `member=`, `instance=`, `group=` are for this and what follows.
 */
export function heartbeatOf(
  client: ConsumerClient,
  plain: readonly string[],
  named: ReadonlyMap<string, string>,
  epoch: number | null,
): ConsumerGroupHeartbeatRequest {
  const isJoining = epoch === JOINING_EPOCH
  client.memberId = named.get('member') ?? client.memberId
  client.instanceId = named.get('instance') ?? client.instanceId
  if (isJoining) client.assigned = []
  const owned = plain.includes('ack') || isJoining ? client.assigned : parseOwned(named.get('owned'))
  const regex = named.get('regex') ?? null
  const topics = named.get('topics')?.split(',').filter(Boolean) ?? (isJoining && regex === null ? ['t'] : null)
  return {
    groupId: named.get('group') ?? 'g',
    memberId: client.memberId,
    memberEpoch: Number(named.get('epoch') ?? epoch ?? client.epoch),
    instanceId: client.instanceId,
    rackId: named.get('rack') ?? null,
    rebalanceTimeoutMs: Number(named.get('rebalance') ?? (isJoining ? 30_000 : -1)),
    subscribedTopicNames: topics,
    subscribedTopicRegex: regex,
    serverAssignor: named.get('assignor') ?? null,
    topicPartitions: owned?.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] })) ?? null,
  }
}

function parseOwned(text: string | undefined): TopicPartitions[] | null {
  if (text === undefined) return null
  if (text === 'none') return []
  return text.split(';').map(topic => {
    const [number, partitions = ''] = topic.split(':')
    return { topicId: topicIdOf(Number(number)), partitions: partitions.split(',').map(Number) }
  })
}

export function heard(client: ConsumerClient, response: object): void {
  const { errorCode, memberId, memberEpoch, assignment } = response as Init<typeof ConsumerGroupHeartbeatResponse>
  if ((errorCode ?? ErrorCode.NONE) !== ErrorCode.NONE) return
  client.memberId = memberId ?? client.memberId
  client.epoch = memberEpoch ?? client.epoch
  const topics = assignment?.topicPartitions
  if (topics)
    client.assigned = topics.map(({ topicId, partitions }) => ({ topicId: topicId!, partitions: partitions! }))
}
