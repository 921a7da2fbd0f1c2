/**
 * A member of a classic group: joins, leads if it is told to, heartbeats, commits, leaves or just goes silent. Some are
 * static. Committed offsets are numbers that never come twice, so that each can be told from all others.
 */
import { errorName } from '@ottla/protocol'
import { Actor, type ActorOptions } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import { demand } from './simulation.ts'

const PROTOCOL_TYPE = 'consumer'
const PROTOCOL = 'even'
const SESSION_TIMEOUT_MS = 400
const REBALANCE_TIMEOUT_MS = 800
const TOPIC = 'kept'

const MUST_REJOIN = [
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'GROUP_ID_NOT_FOUND',
] as const
const COORDINATOR_BUSY = ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'] as const
/** After which it is certain that nothing was written. */
const REFUSED: ReadonlySet<string> = new Set(MUST_REJOIN)

type JoinAnswer = { readonly generationId: number; readonly memberId: string; readonly members: readonly Joined[] }
type Joined = { readonly memberId: string }

export class Member extends Actor {
  readonly #group: string
  readonly #instanceId: string | null
  readonly #hasStatic: boolean
  #memberId = ''
  #generationId = -1
  #assigned: readonly string[] | null = null
  #isFound = false

  constructor(options: ActorOptions, group: string, instanceId: string | null, hasStatic: boolean) {
    super(options)
    this.#group = group
    this.#instanceId = instanceId
    this.#hasStatic = hasStatic
  }

  protected override async step(): Promise<void> {
    if (!this.#isFound) await this.#findCoordinator()
    else if (!this.#assigned) await this.#join()
    else if (this.random.chance(0.04)) await this.#leave()
    else if (this.random.chance(0.03)) await this.#goSilent()
    else if (this.random.chance(0.05)) await this.#commit(this.#generationId - 1)
    else if (this.random.chance(0.5)) await this.#commit()
    else await this.#heartbeat()
  }

  /** In a group whose members are all there, each commits once more. */
  protected override async finish(): Promise<void> {
    for (let committed = false; !committed; ) {
      await this.insist(async () => {
        if (!this.#isFound) await this.#findCoordinator()
        else if (!this.#assigned) await this.#join()
        else committed = this.#assigned.length === 0 || (await this.#commit())
      })
      await this.sim.pause(this.random.between(5, 20))
    }
  }

  async #findCoordinator(): Promise<void> {
    const { coordinators } = await this.links.ask(apis.findCoordinator, { keyType: 0, coordinatorKeys: [this.#group] })
    const { errorCode, host, port } = coordinators[0]!
    if (errorCode !== 0) return this.#onError(errorCode, 'FindCoordinator')
    demand(host === 'broker' && port === 9092, () => `the coordinator of ${this.#group} is at ${host}:${port}`)
    this.#isFound = true
  }

  async #join(): Promise<void> {
    const link = await this.links.get()
    const { life } = this.node
    const answer = await link.send(apis.joinGroup, {
      groupId: this.#group,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      groupInstanceId: this.#instanceId,
      protocolType: PROTOCOL_TYPE,
      protocols: [{ name: PROTOCOL, metadata: Buffer.from(this.name) }],
    })
    if (errorName(answer.errorCode) === 'MEMBER_ID_REQUIRED') {
      demand(this.#memberId === '', () => `${this.name} has a member id, and was given another`)
      this.#memberId = answer.memberId
      return
    }
    if (answer.errorCode !== 0) return this.#onError(answer.errorCode, 'JoinGroup')
    if (life !== this.node.life) return
    const { generationId, memberId, leader, members, protocolName } = answer
    this.#memberId = memberId
    this.#generationId = generationId
    demand(protocolName === PROTOCOL, () => `${this.#group} has chosen ${protocolName}, which nobody has`)
    this.groups.onJoined(this.#group, generationId, leader, this.#hasStatic)
    const isLeader = leader === memberId && !answer.skipAssignment
    demand(
      isLeader || answer.skipAssignment || members.length === 0,
      () => `${memberId} does not lead, and was told who is in`,
    )
    await this.#sync(answer, isLeader, life)
  }

  async #sync({ generationId, memberId, members }: JoinAnswer, isLeader: boolean, life: number): Promise<void> {
    const assignments = isLeader ? this.#decide(members) : new Map<string, string>()
    if (isLeader) {
      demand(assignments.has(memberId), () => `${memberId} leads a generation that it is not in`)
      this.groups.onDecided(this.#group, generationId, assignments)
      this.say(`leads generation ${generationId}: ${[...assignments].map(pair => pair.join(' ')).join('; ')}`)
    }
    this.maybeImpatient()
    const answer = await this.links.ask(apis.syncGroup, {
      groupId: this.#group,
      generationId,
      memberId,
      groupInstanceId: this.#instanceId,
      protocolType: PROTOCOL_TYPE,
      protocolName: PROTOCOL,
      assignments: [...assignments].map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
    })
    if (answer.errorCode !== 0) return this.#onError(answer.errorCode, 'SyncGroup')
    if (life !== this.node.life) return
    const assigned = Buffer.from(answer.assignment).toString()
    this.groups.onAssigned(this.#group, generationId, memberId, this.name, assigned)
    this.#assigned = assigned.split(',').filter(Boolean)
    await this.groups.check(this.links, this.#group, this.#assigned)
  }

  #decide(members: readonly Joined[]): Map<string, string> {
    const ids = members.map(({ memberId }) => memberId).sort()
    demand(new Set(ids).size === ids.length, () => `${this.#group} has a member twice: ${ids.join(', ')}`)
    const partitions = this.ledger.topics.get(TOPIC)!.partitions.map(({ name }) => name)
    return new Map(ids.map((id, i) => [id, partitions.filter((_, p) => p % ids.length === i).join(',')]))
  }

  /** Whether it was answered for; that of a generation which is over must not be. */
  async #commit(generationId = this.#generationId): Promise<boolean> {
    const link = await this.links.get()
    const { life } = this.node
    const newest = this.groups.newest(this.#group)
    const assigned = this.#assigned ?? []
    if (assigned.length === 0) return false
    const way = `${this.name} ${link.number}`
    const commits = assigned.map(name => ({ name, commit: this.groups.attempt(this.#group, name, way) }))
    const request = {
      groupId: this.#group,
      generationIdOrMemberEpoch: generationId,
      memberId: this.#memberId,
      groupInstanceId: this.#instanceId,
      topics: [
        {
          name: TOPIC,
          partitions: commits.map(({ name, commit }) => ({
            partitionIndex: Number(name.slice(TOPIC.length + 1)),
            committedOffset: commit.offset,
            committedMetadata: commit.metadata,
          })),
        },
      ],
    }
    const offsets = commits.map(({ name, commit }) => `${commit.offset} for ${name}`).join(', ')
    this.say(`commits ${offsets} in generation ${generationId}`)
    this.maybeImpatient()
    const answer = await link.send(apis.offsetCommit, request, LAST_WITH_NAMES.offsetCommit)
    let isDone = true
    for (const [i, { errorCode }] of answer.topics.flatMap(({ partitions }) => partitions).entries()) {
      const { name, commit } = commits[i]!
      if (errorCode === 0) {
        const isFenced = newest > generationId && life === this.node.life && !this.node.hasDiskFault
        demand(!isFenced, () => `${this.#group} took a commit of generation ${generationId} when ${newest} had begun`)
        this.say(`has committed ${commit.offset} for ${name}`)
        this.groups.onCommitted(this.#group, name, commit)
        continue
      }
      isDone = false
      if (REFUSED.has(errorName(errorCode))) this.groups.onRefused(this.#group, name, commit)
      if (generationId === this.#generationId) this.#onError(errorCode, 'OffsetCommit')
    }
    return isDone
  }

  async #heartbeat(): Promise<void> {
    const { errorCode } = await this.links.ask(apis.heartbeat, {
      groupId: this.#group,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: this.#instanceId,
    })
    if (errorCode !== 0) this.#onError(errorCode, 'Heartbeat')
  }

  async #leave(): Promise<void> {
    const members = [{ memberId: this.#memberId, groupInstanceId: this.#instanceId }]
    this.#assigned = null
    const answer = await this.links.ask(apis.leaveGroup, { groupId: this.#group, members })
    if (answer.errorCode !== 0) return this.#onError(answer.errorCode, 'LeaveGroup')
    const { errorCode } = answer.members[0]!
    if (errorCode !== 0) this.#onError(errorCode, 'LeaveGroup')
    this.#memberId = ''
  }

  /** Dies, and another one comes in its place; a static one under the same name. */
  async #goSilent(): Promise<void> {
    this.say('goes silent')
    this.#assigned = null
    this.#memberId = ''
    this.hangUp()
    await this.sim.pause(this.random.between(0, 2 * SESSION_TIMEOUT_MS))
  }

  #onError(errorCode: number, what: string): void {
    const code = this.expectError(errorCode, what, ...MUST_REJOIN, ...COORDINATOR_BUSY)
    if (code === 'UNKNOWN_MEMBER_ID' || code === 'FENCED_INSTANCE_ID') this.#memberId = ''
    if (code === 'NOT_COORDINATOR') this.#isFound = false
    if (!COORDINATOR_BUSY.some(busy => busy === code)) this.#assigned = null
  }
}
