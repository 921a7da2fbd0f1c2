/** Where a request goes, and what passes by itself: how the admin room asks. */
import type { Init, Message, Of } from '@ottla/protocol'
import type { Cluster, CoordinatorKind } from './cluster.ts'
import type { Api, BrokerConnection, SendOptions } from './connection.ts'
import { KafkaError } from './errors.ts'
import { isRetriable, retry } from './retry.ts'

export const TIMEOUT_MS = 30_000

export async function askAny<Request extends Message, Response extends Message>(
  cluster: Cluster,
  api: Api<Request, Response>,
  value: Init<Request>,
  options?: SendOptions,
): Promise<Of<Response>> {
  const connection = await cluster.any()
  return connection.send(api, value, options)
}

export async function askBroker<Request extends Message, Response extends Message>(
  cluster: Cluster,
  id: number,
  api: Api<Request, Response>,
  value: Init<Request>,
): Promise<Of<Response>> {
  const connection = await cluster.broker(id)
  return connection.send(api, value)
}

/** Looks for the coordinator again while it is moving or loading. `codeOf`: where the response has its error code. */
export function askCoordinator<R>(
  cluster: Cluster,
  kind: CoordinatorKind,
  key: string,
  request: (connection: BrokerConnection) => Promise<R>,
  codeOf: (response: R) => number,
): Promise<R> {
  return retry(cluster.world.clock, async () => {
    const connection = await cluster.coordinator(kind, key)
    const response = await request(connection)
    const code = codeOf(response)
    if (code === 0) return response
    const error = new KafkaError(code, `coordinator of ${kind} '${key}'`)
    if (!isRetriable(error)) return response
    cluster.forgetCoordinator(key, kind)
    throw error
  })
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** As Kafka writes it. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** `[{topic, partition}]` as requests have it: partitions by topic. */
export function byTopic<P extends TopicPartition>(partitions: readonly P[]): Map<string, P[]> {
  return Map.groupBy(partitions, ({ topic }) => topic)
}

/** Of partitions by the broker that leads each. A partition without a leader is KafkaError LEADER_NOT_AVAILABLE. */
export async function byLeader<P extends TopicPartition>(
  cluster: Cluster,
  partitions: readonly P[],
): Promise<Map<number, P[]>> {
  const leaders = new Map<number, P[]>()
  for (const one of partitions) {
    const { partitions: known } = await cluster.topic(one.topic)
    const leader = known.find(({ partitionIndex }) => partitionIndex === one.partition)?.leaderId
    if (leader === undefined) throw new KafkaError(3, `partition ${partitionName(one)}`)
    const led = leaders.get(leader)
    if (led) led.push(one)
    else leaders.set(leader, [one])
  }
  return leaders
}
