/**
 * What producers and consumers did with each topic that this node has a replica of, and with all together: Kafka's
 * BrokerTopicMetrics. A batch or a request adds to plain numbers; a record never does. A topic that is deleted takes its
 * numbers along, the sums keep what it added.
 */

/** Of one topic or of all; each counts partitions, bytes or records of the requests of clients and coordinators. */
export class TopicCounters {
  bytesIn = 0
  bytesOut = 0
  messagesIn = 0
  bytesRejected = 0
  produceRequests = 0
  failedProduceRequests = 0
  fetchRequests = 0
  failedFetchRequests = 0
  /** These of share groups count a request once for each of its topics. */
  shareFetchRequests = 0
  failedShareFetchRequests = 0
  shareAcknowledgementRequests = 0
  failedShareAcknowledgementRequests = 0
  replicationBytesOut = 0
  invalidMessageCrcRecords = 0
}

export type TopicCounterName = keyof TopicCounters

/** Held by those who count: nothing is looked up for a request. */
export class TopicMeter {
  readonly topic: string
  readonly own = new TopicCounters()
  readonly all: TopicCounters

  constructor(topic: string, all: TopicCounters) {
    this.topic = topic
    this.all = all
  }

  add(name: TopicCounterName, count: number): void {
    this.own[name] += count
    this.all[name] += count
  }
}

export class TopicMetrics {
  readonly all = new TopicCounters()
  /** By topic id: a new topic of an old name begins anew. */
  readonly #meters = new Map<string, TopicMeter>()

  meter(topicId: string, topic: string): TopicMeter {
    let meter = this.#meters.get(topicId)
    if (!meter) {
      meter = new TopicMeter(topic, this.all)
      this.#meters.set(topicId, meter)
    }
    return meter
  }

  forget(topicId: string): void {
    this.#meters.delete(topicId)
  }

  get meters(): Iterable<TopicMeter> {
    return this.#meters.values()
  }
}
