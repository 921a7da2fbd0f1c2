/**
 * The topology of an application as its first member sent it: subtopologies, each a part that reads some topics and keeps
 * some state, and the internal topics between and behind them.
 */
import type { StreamsGroupTopologyValue } from '@ottla/protocol/logrecords/consumer-offsets'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'

export type Subtopology = StreamsGroupTopologyValue['subtopologies'][number]
export type TopicInfo = Subtopology['stateChangelogTopics'][number]
type RequestedTopology = NonNullable<StreamsGroupHeartbeatRequest['topology']>

export class Topology {
  readonly value: StreamsGroupTopologyValue
  /** In the order of their ids. */
  readonly subtopologies: readonly Subtopology[]
  readonly #requiredTopics = new Set<string>()
  readonly #readers = new Map<string, Subtopology>()

  constructor(value: StreamsGroupTopologyValue) {
    this.value = value
    this.subtopologies = [...value.subtopologies].sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1))
    for (const subtopology of this.subtopologies) {
      for (const topic of sourceTopicsOf(subtopology)) this.#readers.set(topic, subtopology)
      for (const topic of sourceTopicsOf(subtopology)) this.#requiredTopics.add(topic)
      for (const { name } of subtopology.stateChangelogTopics) this.#requiredTopics.add(name)
    }
  }

  /** The request's and the record's differ in nothing but their name. */
  static requested({ epoch, subtopologies }: RequestedTopology): Topology {
    return new Topology({ epoch, subtopologies })
  }

  get epoch(): number {
    return this.value.epoch
  }

  /** All that it reads, and its changelogs. */
  get requiredTopics(): ReadonlySet<string> {
    return this.#requiredTopics
  }

  /** The subtopology that reads a topic. */
  readerOf(topic: string): Subtopology | undefined {
    return this.#readers.get(topic)
  }

  equals(other: Topology): boolean {
    return this.epoch === other.epoch && JSON.stringify(this.subtopologies) === JSON.stringify(other.subtopologies)
  }
}

/** Also those of its topics that are internal. */
export function sourceTopicsOf({ sourceTopics, repartitionSourceTopics }: Subtopology): string[] {
  return [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)]
}
