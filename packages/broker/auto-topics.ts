/**
 * Creates topics that somebody asked for and that are not there yet: those of clients, where auto.create.topics.enable
 * allows it, and the broker's own when they are first needed.
 */
import type { Logger } from '@ottla/io'
import type { Init } from '@ottla/protocol'
import { ErrorCode, errorName } from '@ottla/protocol'
import type { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import type { BrokerConfig } from './config/index.ts'
import { type PartitionQuota, UNLIMITED } from './quota/index.ts'

type Create = (request: CreateTopicsRequest, quota: PartitionQuota) => Promise<Init<typeof CreateTopicsResponse>>

const OFFSETS_TOPIC = '__consumer_offsets'
const TRANSACTION_TOPIC = '__transaction_state'
const SHARE_GROUP_STATE_TOPIC = '__share_group_state'
const CREATE_TIMEOUT_MS = 60_000

export class AutoTopics {
  readonly #config: () => BrokerConfig
  readonly #create: Create
  readonly #logger: Logger
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(config: () => BrokerConfig, create: Create, logger: Logger) {
    this.#config = config
    this.#create = create
    this.#logger = logger
  }

  /**
   * Resolves when it is there, or could not be made, which is logged. Who does not want to wait may ask again later.
   * `quota`: of the client that wants it; the broker's own topics are nobody's.
   */
  create(name: string, quota: PartitionQuota = UNLIMITED): Promise<void> {
    const underWay = this.#underWay.get(name) ?? this.#make(name, quota)
    this.#underWay.set(name, underWay)
    return underWay
  }

  #make(name: string, quota: PartitionQuota): Promise<void> {
    return this.#create({ topics: [this.#topic(name)], timeoutMs: CREATE_TIMEOUT_MS, validateOnly: false }, quota)
      .then(
        response => {
          const { errorCode = 0, errorMessage } = response.topics?.[0] ?? {}
          if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) {
            this.#logger.warn('cannot create topic', {
              topic: name,
              code: errorName(errorCode),
              reason: errorMessage ?? null,
            })
          }
        },
        error => this.#logger.warn('cannot create topic', { topic: name, error }),
      )
      .finally(() => {
        this.#underWay.delete(name)
      })
  }

  #topic(name: string) {
    const config = this.#config()
    if (name === TRANSACTION_TOPIC) return transactionTopic(config)
    if (name === SHARE_GROUP_STATE_TOPIC) return shareGroupStateTopic(config)
    if (name !== OFFSETS_TOPIC) return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
    return {
      name,
      numPartitions: config.offsetsTopicNumPartitions,
      replicationFactor: config.offsetsTopicReplicationFactor,
      assignments: [],
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'compression.type', value: 'producer' },
        { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
      ],
    }
  }
}

function transactionTopic(config: BrokerConfig) {
  return {
    name: TRANSACTION_TOPIC,
    numPartitions: config.transactionStateLogNumPartitions,
    replicationFactor: config.transactionStateLogReplicationFactor,
    assignments: [],
    configs: [
      { name: 'unclean.leader.election.enable', value: 'false' },
      { name: 'compression.type', value: 'uncompressed' },
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'min.insync.replicas', value: String(config.transactionStateLogMinIsr) },
      { name: 'segment.bytes', value: String(config.transactionStateLogSegmentBytes) },
    ],
  }
}

function shareGroupStateTopic(config: BrokerConfig) {
  return {
    name: SHARE_GROUP_STATE_TOPIC,
    numPartitions: config.shareCoordinatorStateTopicNumPartitions,
    replicationFactor: config.shareCoordinatorStateTopicReplicationFactor,
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(config.shareCoordinatorStateTopicSegmentBytes) },
      { name: 'min.insync.replicas', value: String(config.shareCoordinatorStateTopicMinIsr) },
      // The share coordinator deletes what it does not need any more.
      { name: 'retention.ms', value: '-1' },
    ],
  }
}
