/**
 * The server assignors of consumer groups beside Apache Kafka's own classes, for a few hundred groups of all shapes, each
 * asked for twice: from nothing, and after members and topics have come and gone. `range` has to give the same to
 * everybody. `uniform` has to be at least as even and to move no more partitions: who of two equals gets one more is
 * decided by the order of a Java hash map there.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Assignment, AssignorInput } from '../../../packages/broker/coordinator/group/assignors/assignor.ts'
import { ASSIGNORS } from '../../../packages/broker/coordinator/group/consumer/target.ts'
import type { Context } from '../context.ts'
import { must } from '../process.ts'

const GROUPS = 300
const PATIENCE_MS = 120_000

type Result = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>

interface Group {
  readonly assignor: string
  readonly isHomogeneous: boolean
  readonly topics: Readonly<Record<string, number>>
  readonly members: {
    readonly id: string
    readonly instanceId: string | null
    readonly topics: readonly string[]
    readonly assigned: Readonly<Record<string, readonly number[]>>
  }[]
}

export async function assignors({ kit, report }: Context): Promise<void> {
  const { java } = kit
  if (java === null) {
    report.skip('assignors', 'Java or Apache Kafka is missing')
    return
  }
  const ask = async (groups: readonly Group[]): Promise<Result[]> => {
    const file = join(kit.scratch, 'assignors.jsonl')
    writeFileSync(file, groups.map(group => `${JSON.stringify(group)}\n`).join(''))
    const text = await must([...java.command('Assign'), file], { timeoutMs: PATIENCE_MS })
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => (JSON.parse(line) as { members: Result }).members)
  }
  for (const assignor of ['range', 'uniform']) {
    await report.check(`assignors/${assignor}, from nothing and from what was`, async () => {
      const random = numbersFrom(assignor === 'range' ? 1 : 2)
      const first = Array.from({ length: GROUPS }, () => randomGroup(assignor, random, {}))
      const theirs = await ask(first)
      compareAll(first, theirs)
      const later = first.map((_, i) => randomGroup(assignor, random, theirs[i]!))
      compareAll(later, await ask(later))
    })
  }
}

function compareAll(groups: readonly Group[], theirs: readonly Result[]): void {
  assert.equal(theirs.length, groups.length)
  const mixed = { unevenness: 0, theirUnevenness: 0, kept: 0, theirKept: 0 }
  for (const [i, group] of groups.entries()) {
    const their = withoutEmpty(theirs[i]!)
    const our = resultOf(ASSIGNORS[group.assignor]!(inputOf(group)))
    const shape = JSON.stringify(group)
    if (group.assignor === 'range') {
      assert.deepEqual(our, their, shape)
      continue
    }
    assert.equal(total(our), total(their), shape)
    if (group.isHomogeneous) {
      assert.equal(unevenness(group, our), unevenness(group, their), shape)
      assert.ok(keptOf(group, our) >= keptOf(group, their), shape)
      continue
    }
    mixed.unevenness += unevenness(group, our)
    mixed.theirUnevenness += unevenness(group, their)
    mixed.kept += keptOf(group, our)
    mixed.theirKept += keptOf(group, their)
  }
  // Neither finds the best there is: in one group the one, in another the other is luckier.
  assert.ok(mixed.unevenness <= mixed.theirUnevenness * 1.002, JSON.stringify(mixed))
  assert.ok(mixed.kept >= mixed.theirKept * 0.99, JSON.stringify(mixed))
}

const sizeOf = (topics: Result[string] | undefined) =>
  Object.values(topics ?? {}).reduce((sum, partitions) => sum + partitions.length, 0)

function total(result: Result): number {
  return Object.values(result).reduce((sum, topics) => sum + sizeOf(topics), 0)
}

function unevenness({ members }: Group, result: Result): number {
  return members.reduce((sum, { id }) => sum + sizeOf(result[id]) ** 2, 0)
}

function keptOf({ members }: Group, result: Result): number {
  let kept = 0
  for (const { id, assigned } of members) {
    for (const [topic, partitions] of Object.entries(assigned)) {
      kept += partitions.filter(partition => result[id]?.[topic]?.includes(partition)).length
    }
  }
  return kept
}

function inputOf({ members, topics, isHomogeneous }: Group): AssignorInput {
  return {
    isHomogeneous,
    partitionCount: topicId => topics[topicId] ?? 0,
    members: members.map(({ id, instanceId, topics: subscribed, assigned }) => ({
      id,
      instanceId,
      topics: new Set(subscribed),
      assigned: new Map(Object.entries(assigned).map(([topic, partitions]) => [topic, new Set(partitions)])),
    })),
  }
}

function resultOf(assignment: Assignment): Result {
  const entries = [...assignment].map(([id, topics]) => {
    const sorted = [...topics].map(([topic, partitions]) => [topic, [...partitions].sort((a, b) => a - b)] as const)
    return [id, Object.fromEntries(sorted)] as const
  })
  return withoutEmpty(Object.fromEntries(entries))
}

function withoutEmpty(result: Result): Result {
  return Object.fromEntries(Object.entries(result).filter(([, topics]) => sizeOf(topics) > 0))
}

function topicId(n: number): string {
  return Buffer.from(Array.from({ length: 16 }, (_, i) => (i === 15 ? n : 7))).toString('base64url')
}

/** Members, some of them of before; topics, of which some have grown. */
function randomGroup(assignor: string, random: (below: number) => number, before: Result): Group {
  const topics = Object.fromEntries(Array.from({ length: 1 + random(4) }, (_, i) => [topicId(i), 8 + random(20)]))
  const names = Object.keys(topics)
  const isHomogeneous = random(2) === 0
  const subset = () => names.filter(() => random(3) > 0)
  const common = subset()
  const ids = new Set(Object.keys(before).filter(() => random(4) > 0))
  for (let i = random(6) + (ids.size === 0 ? 1 : 0); i > 0; i--) ids.add(`member-${random(1000)}`)
  const members = [...ids].map(id => {
    const assigned = Object.entries(before[id] ?? {}).map(
      ([topic, partitions]) => [topic, partitions.filter(p => p < (topics[topic] ?? 0))] as const,
    )
    return {
      id,
      instanceId: random(3) === 0 ? `static-${id}` : null,
      topics: isHomogeneous ? common : subset(),
      assigned: Object.fromEntries(assigned.filter(([, partitions]) => partitions.length > 0)),
    }
  })
  return { assignor, isHomogeneous, topics, members }
}

/** The same at every run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
