/**
 * Everybody gets equally many partitions, give or take one, and keeps what it had as far as that allows; balance comes
 * first. Where members are subscribed to different topics, see uniform-mixed.ts.
 */
import type { Assignment, AssignorInput } from './assignor.ts'
import { Hand, Taken } from './hand.ts'
import { assignUniformlyMixed } from './uniform-mixed.ts'

export function assignUniformly(input: AssignorInput): Assignment {
  if (input.members.length === 0) return new Map()
  return input.isHomogeneous ? assignToEqual(input) : assignUniformlyMixed(input)
}

/** All members are subscribed to the same topics. */
function assignToEqual({ members, partitionCount }: AssignorInput): Assignment {
  const { topics } = members[0]!
  let total = 0
  for (const topicId of topics) total += partitionCount(topicId)
  const quota = Math.floor(total / members.length)
  /** How many more members may have one more than the others. */
  let extras = total % members.length
  const taken = new Taken(partitionCount)
  const hands = members.map(member => Hand.of(member, taken))
  // Whoever has more than its share gives up the rest; one more is left to those who have it already.
  for (const hand of hands) {
    const keepsExtra = hand.size > quota && extras > 0
    if (keepsExtra) extras--
    hand.shrinkTo(quota + (keepsExtra ? 1 : 0), taken)
  }
  const free = freePartitions(topics, taken)
  for (const hand of hands) {
    let room = quota - hand.size
    if (room >= 0 && extras > 0) {
      room++
      extras--
    }
    for (; room > 0; room--) hand.add(...free.next().value!)
  }
  return new Map(members.map(({ id }, i) => [id, hands[i]!.partitions]))
}

function* freePartitions(
  topics: Iterable<string>,
  taken: Taken,
): Generator<[topicId: string, partition: number], void> {
  for (const topicId of topics) {
    for (const [partition, isTaken] of taken.of(topicId).entries()) if (!isTaken) yield [topicId, partition]
  }
}
