/** Deleting records from the beginning of partitions. */
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { byLeader, byTopic, partitionName, TIMEOUT_MS, type TopicPartition } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { type Outcome, outcome } from '../errors.ts'
import { retry } from '../retry.ts'

const deleteApi = { request: DeleteRecordsRequest, response: DeleteRecordsResponse }

export interface RecordsToDelete extends TopicPartition {
  /** The first that stays; -1: none stays. */
  readonly offset: number
}

export type DeletedRecords = TopicPartition & { readonly lowWatermark: number; readonly failure: Outcome }

/** By `topic-partition`. */
export async function deleteRecords(
  cluster: Cluster,
  partitions: readonly RecordsToDelete[],
): Promise<Map<string, DeletedRecords>> {
  const deleted = new Map<string, DeletedRecords>()
  for (const [leader, led] of await byLeader(cluster, partitions)) {
    const topics = [...byTopic(led)].map(([name, named]) => ({
      name,
      partitions: named.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
    }))
    const response = await retry(cluster.world.clock, async () => {
      const connection = await cluster.broker(leader)
      return connection.send(deleteApi, { topics, timeoutMs: TIMEOUT_MS })
    })
    for (const { name: topic, partitions: results } of response.topics) {
      for (const { partitionIndex: partition, lowWatermark, errorCode } of results) {
        const which = partitionName({ topic, partition })
        deleted.set(which, {
          topic,
          partition,
          lowWatermark,
          failure: outcome(errorCode, `delete records of ${which}`),
        })
      }
    }
  }
  return deleted
}
