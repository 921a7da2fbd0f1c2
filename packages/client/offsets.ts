/** Offsets by time, and the special ones. */
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import type { Cluster } from './cluster.ts'
import { check } from './errors.ts'
import { retry } from './retry.ts'

const listOffsetsApi = { request: ListOffsetsRequest, response: ListOffsetsResponse }

export const Timestamp = { latest: -1n, earliest: -2n, maxTimestamp: -3n } as const

/** By partition; -1 where no record is that late. */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  await Promise.all(
    partitions.map(async partitionIndex => {
      const offset = await retry(cluster.world.clock, async () => {
        const connection = await cluster.leader(topic, partitionIndex)
        const response = await connection.send(listOffsetsApi, {
          replicaId: -1,
          topics: [{ name: topic, partitions: [{ partitionIndex, timestamp }] }],
        })
        const result = response.topics[0]!.partitions[0]!
        if (result.errorCode !== 0) cluster.forgetTopic(topic)
        check(result.errorCode, `offset of ${topic}-${partitionIndex}`)
        return result.offset
      })
      found.set(partitionIndex, offset)
    }),
  )
  return found
}
