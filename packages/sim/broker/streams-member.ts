/**
 * A member of a streams group (KIP-1071) whose topology has two parts without state: joins, tells which tasks it has, gives
 * up what it is to give up when it comes to it, leaves or just goes silent; some heartbeats are lost.
 */
import type { Init } from '@ottla/protocol'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import type { ActorOptions } from './actor.ts'
import { apis } from './apis.ts'
import { REBALANCE_TIMEOUT_MS } from './consumer-group-ledger.ts'
import { byTopic } from './consumer-member.ts'
import { COORDINATOR_BUSY, HeartbeatMember, JOINING_EPOCH, LEAVING_EPOCH, MUST_REJOIN } from './heartbeat-member.ts'
import { demand } from './simulation.ts'

/** What each part of the topology reads. */
const SOURCES: Readonly<Record<string, string>> = { 0: 'kept', 1: 'agreed' }
export class StreamsMember extends HeartbeatMember {
  constructor(options: ActorOptions, group: string) {
    super(options, group)
    this.me.topics = Object.keys(SOURCES)
    this.beginAnew()
  }

  protected override async step(): Promise<void> {
    const dice = this.me.epoch === 0 ? 1 : this.random.float()
    if (dice < 0.04) await this.#leave()
    else if (dice < 0.08) await this.goSilent()
    else {
      if (this.random.chance(0.6)) this.me.giveUp()
      await this.#beat(this.random.chance(0.3))
    }
  }

  /** Until all tasks are somebody's. */
  protected override async finish(): Promise<void> {
    const tasksOf = (part: string) =>
      this.ledger.topics.get(SOURCES[part]!)!.partitions.map((_, task) => `${part}-${task}`)
    while (!this.groups.consumers.isAtRest(this.me.group, tasksOf)) {
      await this.insist(async () => {
        this.me.giveUp()
        await this.#beat(true)
      })
      await this.sim.pause(this.random.between(5, 50))
    }
  }

  async #beat(all: boolean): Promise<void> {
    const me = this.me
    const { consumers } = this.groups
    const isJoin = me.epoch === JOINING_EPOCH
    const saysOwned = all || this.mustSayAll || isJoin || this.ownedHasChanged
    const groupEpoch = consumers.epochOf(me.group)
    const asked = { sentMs: this.sim.time.monotonic(), groupEpoch, isStatic: false }
    const request = this.#request(saysOwned)
    const answer = await this.heartbeat(saysOwned, () => this.links.ask(apis.streamsGroupHeartbeat, request))
    if (answer.errorCode !== 0) return this.onRefused(answer.errorCode, 'StreamsGroupHeartbeat', saysOwned)
    demand(answer.memberId === me.id, () => `${me.id} was taken for ${answer.memberId}`)
    if (saysOwned) this.mustSayAll = false
    const assigned = answer.activeTasks && new Set(answer.activeTasks.flatMap(namesOf))
    if (assigned) me.lost = me.lost.filter(({ life }) => life === this.node.life)
    consumers.onTold(me, answer.memberEpoch, assigned, asked)
    this.say(`is ${me.id} in epoch ${me.epoch}${assigned ? `, is to have ${[...assigned]}` : ''}`)
  }

  #request(saysOwned: boolean): Init<typeof StreamsGroupHeartbeatRequest> {
    const { group: groupId, id: memberId, epoch: memberEpoch, owned } = this.me
    const activeTasks = [...byTopic(owned.keys())].map(([subtopologyId, partitions]) => ({ subtopologyId, partitions }))
    const tasks = saysOwned ? { activeTasks, standbyTasks: [], warmupTasks: [] } : {}
    const request = { groupId, memberId, memberEpoch, ...tasks }
    if (memberEpoch !== JOINING_EPOCH) return request
    const subtopologies = Object.entries(SOURCES).map(([subtopologyId, topic]) => ({
      subtopologyId,
      sourceTopics: [topic],
      sourceTopicRegex: [],
      stateChangelogTopics: [],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [],
      copartitionGroups: [],
    }))
    const joining = { rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS, processId: this.name, clientTags: [] }
    return { ...request, ...joining, topology: { epoch: 0, subtopologies } }
  }

  async #leave(): Promise<void> {
    const { group: groupId, id: memberId } = this.me
    this.beginAnew()
    const request = { groupId, memberId, memberEpoch: LEAVING_EPOCH }
    const { errorCode } = await this.links.ask(apis.streamsGroupHeartbeat, request)
    if (errorCode !== 0) this.expectError(errorCode, 'the leaving', ...MUST_REJOIN, ...COORDINATOR_BUSY)
  }
}

function namesOf({
  subtopologyId,
  partitions,
}: {
  readonly subtopologyId: string
  readonly partitions: readonly number[]
}) {
  return partitions.map(partition => `${subtopologyId}-${partition}`)
}
