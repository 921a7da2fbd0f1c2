/**
 * Makes the internal topics of streams applications when the coordinator finds them missing. Members come back and ask
 * until they are there, so nobody waits; what went wrong is kept for a while, to be told to them, and is not tried
 * again until then.
 */
import type { Clock, Logger } from '@ottla/io'
import { ErrorCode, errorName, type Init } from '@ottla/protocol'
import type { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import type { NewTopic } from './coordinator/group/streams/configured-topology.ts'

type Create = (request: CreateTopicsRequest) => Promise<Init<typeof CreateTopicsResponse>>

interface Failure {
  readonly reason: string
  readonly untilMs: number
}

const CREATE_TIMEOUT_MS = 30_000
/** As many as Kafka keeps. */
const MAX_FAILURES = 1000

export class StreamsTopics {
  readonly #create: Create
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #underWay = new Set<string>()
  /** The oldest first. */
  readonly #failures = new Map<string, Failure>()

  constructor(create: Create, clock: Clock, logger: Logger) {
    this.#create = create
    this.#clock = clock
    this.#logger = logger
  }

  /** Begins to make those that nobody makes yet. */
  create(topics: readonly NewTopic[], failureMs: number): void {
    const nowMs = this.#clock.monotonic()
    const wanted = topics.filter(({ name }) => !this.#underWay.has(name) && !this.#failed(name, nowMs))
    if (wanted.length === 0) return
    for (const { name } of wanted) this.#underWay.add(name)
    const request = {
      topics: wanted.map(topic => ({ ...topic, configs: [...topic.configs], assignments: [] })),
      timeoutMs: CREATE_TIMEOUT_MS,
      validateOnly: false,
    }
    this.#create(request)
      .then(
        response => {
          for (const { name = '', errorCode = 0, errorMessage } of response.topics ?? []) {
            // Another member's request was faster.
            if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) continue
            this.#fail(name, errorMessage || errorName(errorCode), failureMs)
          }
        },
        error => {
          for (const { name } of wanted) this.#fail(name, (error as Error).message, failureMs)
        },
      )
      .finally(() => {
        for (const { name } of wanted) this.#underWay.delete(name)
      })
  }

  /** `topic (reason)` of each that could not be made a short while ago. */
  failuresOf(topics: readonly NewTopic[]): string[] {
    const nowMs = this.#clock.monotonic()
    return topics.flatMap(({ name }) => {
      const failure = this.#failed(name, nowMs)
      return failure ? [`${name} (${failure.reason})`] : []
    })
  }

  #failed(name: string, nowMs: number): Failure | undefined {
    const failure = this.#failures.get(name)
    return failure && failure.untilMs > nowMs ? failure : undefined
  }

  #fail(name: string, reason: string, failureMs: number): void {
    this.#logger.warn('cannot create internal topic', { topic: name, reason })
    this.#failures.delete(name)
    this.#failures.set(name, { reason, untilMs: this.#clock.monotonic() + failureMs })
    if (this.#failures.size <= MAX_FAILURES) return
    const [oldest] = this.#failures.keys()
    this.#failures.delete(oldest!)
  }
}
