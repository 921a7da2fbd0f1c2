/** Whatever brokers and clients do, the partitions stay in a state that makes sense, and the indexes agree with the image. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MetadataRecord } from '@ottla/protocol'
import fc from 'fast-check'
import {
  directoryOf,
  hasOnlineDirectory,
  MetadataLoader,
  NO_LEADER,
  type PartitionRegistration,
} from '../image/index.ts'
import type { ControllerApiName, ControllerRequest } from './apis.ts'
import type { Controller } from './controller.ts'
import { PartitionIndex } from './partition-index.ts'
import { FULL_ACCESS, isActive } from './state.ts'
import { testController } from './testing/scenario.ts'

const OPS = [
  'register',
  'heartbeat',
  'heartbeat',
  'fence',
  'shutDown',
  'expire',
  'create',
  'delete',
  'shrink',
  'grow',
  'unregister',
  'restart',
  'dirs',
] as const
type Step = readonly [op: (typeof OPS)[number], id: number, n: number]
const steps = fc.array(fc.tuple(fc.constantFrom(...OPS), fc.nat({ max: 3 }), fc.nat({ max: 7 })), {
  minLength: 30,
  maxLength: 90,
  size: 'max',
})

const FEATURES = [
  { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
  { name: 'eligible.leader.replicas.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
]

class World {
  readonly controller: Controller = testController()
  readonly log: MetadataRecord[] = []
  /**
   * Replicas that came into another log dir while nobody led. As in Apache Kafka that elects nobody: the dir may be one
   * that came back empty.
   */
  readonly movedUnled = new Set<string>()
  #nowMs = 0
  #incarnations = 0

  constructor() {
    this.#append(this.controller.activate(0).records)
  }

  step(op: (typeof OPS)[number], id: number, n: number): void {
    const { controller } = this
    const broker = controller.image.brokers.get(id)
    const epoch = broker?.epoch ?? -1
    const beat = {
      brokerId: id,
      brokerEpoch: epoch,
      currentMetadataOffset: this.log.length,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
      cordonedLogDirs: [],
    }
    this.#nowMs += 500
    // A broker that was told to go does not come back as the same incarnation.
    if (broker?.fenced && broker.inControlledShutdown && op !== 'register') return
    switch (op) {
      case 'register':
        this.#register(id, n, epoch)
        break
      case 'heartbeat':
        this.#request('brokerHeartbeat', beat)
        break
      case 'fence':
        this.#request('brokerHeartbeat', { ...beat, wantFence: true })
        break
      case 'shutDown':
        this.#request('brokerHeartbeat', { ...beat, wantShutDown: true })
        break
      case 'dirs':
        this.#request('brokerHeartbeat', { ...beat, offlineLogDirs: n < 3 ? [uuid(`dir${id}a`)] : [] })
        for (const { topicId, partitionId } of [...controller.partitions.withBrokerInIsr(id)].slice(0, 2)) {
          const { leader } = controller.image.topicsById.get(topicId)!.partitions[partitionId]!
          if (leader === NO_LEADER) this.movedUnled.add(`${topicId}:${partitionId}:${id}`)
          const topics = [{ topicId, partitions: [{ partitionIndex: partitionId }] }]
          this.#request('assignReplicasToDirs', {
            brokerId: id,
            brokerEpoch: epoch,
            directories: [{ id: uuid(`dir${id}${n % 2 ? 'a' : 'b'}`), topics }],
          })
        }
        break
      case 'expire':
        this.#nowMs += n * 2000
        for (let result = controller.expire(this.#nowMs); result; result = controller.expire(this.#nowMs))
          this.#append(result.records)
        break
      case 'create':
        this.#create(`t${n}`, id, n)
        break
      case 'delete':
        this.#request('deleteTopics', { topics: [], topicNames: [`t${n}`], timeoutMs: 1000 })
        break
      case 'shrink':
      case 'grow':
        this.#alterIsr(id, n, op === 'grow')
        break
      case 'unregister':
        if (n === 0) this.#request('unregisterBroker', { brokerId: id })
        break
      case 'restart':
        controller.reset(controller.image)
        this.#append(controller.activate(this.#nowMs).records)
    }
  }

  #register(brokerId: number, n: number, epoch: number): void {
    this.#nowMs += n % 2 === 0 ? 10_000 : 0
    this.#request('brokerRegistration', {
      brokerId,
      clusterId: 'cluster',
      incarnationId: uuid(`inc${this.#incarnations++}`),
      listeners: [],
      features: FEATURES,
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [uuid(`dir${brokerId}a`), uuid(`dir${brokerId}b`)],
      previousBrokerEpoch: n < 4 ? epoch : -1,
    })
  }

  #create(name: string, id: number, n: number): void {
    const isUnclean = n > 4
    const configs = isUnclean
      ? [{ name: 'unclean.leader.election.enable', value: 'true' }]
      : [{ name: 'min.insync.replicas', value: `${1 + (n % 3)}` }]
    const topic = { name, numPartitions: 1 + (n % 3), replicationFactor: 1 + id, assignments: [], configs }
    this.#request('createTopics', { topics: [topic], timeoutMs: 1000, validateOnly: false })
  }

  #alterIsr(brokerId: number, n: number, grow: boolean): void {
    const { image } = this.controller
    const brokerEpoch = image.brokers.get(brokerId)?.epoch ?? -1
    const topics = [...image.topicsById.values()].map(topic => ({
      topicId: topic.id,
      partitions: topic.partitions.map((partition, partitionIndex) => {
        const isr = grow ? partition.replicas : partition.isr.filter(id => id === brokerId || id % 2 === n % 2)
        const newIsrWithEpochs = isr.map(id => ({ brokerId: id, brokerEpoch: -1 }))
        const { leaderEpoch, partitionEpoch } = partition
        return { partitionIndex, leaderEpoch, partitionEpoch, newIsr: [], newIsrWithEpochs, leaderRecoveryState: 0 }
      }),
    }))
    this.#request('alterPartition', { brokerId, brokerEpoch, topics })
  }

  #request<Name extends ControllerApiName>(name: Name, request: ControllerRequest<Name>): void {
    const scope = {
      nowMs: this.#nowMs,
      apiVersion: 4,
      nextOffset: this.log.length,
      access: FULL_ACCESS,
      spendPartitions: () => true,
    }
    this.#append(this.controller.handle(name, request, scope).records)
  }

  #append(records: readonly MetadataRecord[]): void {
    for (const record of records) {
      this.controller.replay(record, this.log.length)
      this.log.push(record)
    }
    this.controller.settle({ offset: this.log.length - 1, epoch: 1, timestampMs: 0, isBatchAligned: true })
  }
}

function uuid(name: string): string {
  return `${name.padEnd(21, '_')}A`
}

function check({ controller, log, movedUnled }: World): void {
  const { image } = controller
  for (const { id: topicId, name, partitions } of image.topicsById.values()) {
    for (const [id, p] of partitions.entries()) {
      const where = `${name}-${id} ${JSON.stringify(p)}`
      assert.ok(
        p.isr.every(member => p.replicas.includes(member)),
        `ISR among the replicas: ${where}`,
      )
      assert.ok(
        p.elr.every(member => p.replicas.includes(member) && !p.isr.includes(member)),
        `ELR beside the ISR: ${where}`,
      )
      assert.equal(new Set(p.isr).size, p.isr.length, where)
      assert.equal(p.directories.length, p.replicas.length, where)
      if (p.leader === NO_LEADER) {
        const mayLead = p.isr.filter(
          member =>
            isActive(controller, member) &&
            isInOnlineDirectory(controller, p, member) &&
            !movedUnled.has(`${topicId}:${id}:${member}`),
        )
        assert.deepEqual(mayLead, [], `nobody leads only if nobody in sync can: ${where}`)
        continue
      }
      for (const member of p.replicas) movedUnled.delete(`${topicId}:${id}:${member}`)
      assert.ok(p.isr.includes(p.leader), `the leader is in sync: ${where}`)
      const leader = image.brokers.get(p.leader)
      assert.ok(leader && !leader.fenced && !leader.inControlledShutdown, `the leader is active: ${where}`)
    }
  }
  assert.deepEqual(described(controller.partitions), described(PartitionIndex.of(image)))
  const loader = new MetadataLoader()
  for (const [offset, record] of log.entries()) loader.replay(record, offset)
  loader.settle(image.provenance)
  assert.deepEqual([...loader.image.topicsById], [...image.topicsById], 'the image is what the log says')
  assert.deepEqual(loader.image.brokers, image.brokers)
}

function isInOnlineDirectory({ image }: Controller, partition: PartitionRegistration, id: number): boolean {
  return hasOnlineDirectory(image.brokers.get(id)!, directoryOf(partition, id)!)
}

function described(index: PartitionIndex): unknown {
  const sorted = (partitions: Iterable<object>) => [...partitions].map(p => JSON.stringify(p)).sort()
  const brokers = [0, 1, 2, 3]
  return {
    isr: brokers.map(id => sorted(index.withBrokerInIsr(id))),
    elr: brokers.map(id => sorted(index.withBrokerInElr(id))),
    leads: brokers.map(id => index.hasLeaderships(id)),
    directories: brokers.flatMap(id => ['a', 'b'].map(dir => sorted(index.inDirectory(uuid(`dir${id}${dir}`))))),
    leaderless: sorted(index.withoutLeader()),
  }
}

test('a replica that comes into another log dir while nobody leads is not elected by that', () => {
  const world = new World()
  const history: readonly Step[] = [
    ...[0, 1, 2].flatMap((id): Step[] => [
      ['register', id, 1],
      ['heartbeat', id, 1],
    ]),
    ['register', 0, 0],
    ['create', 1, 0],
    ['dirs', 2, 1],
    ['grow', 1, 0],
    ['register', 1, 0],
    ['dirs', 2, 0],
  ]
  for (const [op, id, n] of history) {
    world.step(op, id, n)
    check(world)
  }
  assert.equal(world.controller.image.topicsByName.get('t0')?.partitions[0]?.leader, NO_LEADER)
})

test('partitions make sense and indexes agree after any history', () => {
  let partitions = 0
  fc.assert(
    fc.property(steps, drawn => {
      const world = new World()
      for (let id = 0; id < 3; id++) for (const op of ['register', 'heartbeat'] as const) world.step(op, id, 1)
      for (const [op, id, n] of drawn) {
        world.step(op, id, n)
        check(world)
      }
      partitions += [...world.controller.image.topicsById.values()].reduce(
        (sum, topic) => sum + topic.partitions.length,
        0,
      )
    }),
    { numRuns: 120 },
  )
  assert.ok(partitions > 100, 'the histories do something')
})
