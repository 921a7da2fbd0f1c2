/**
 * Writes records with keys to a compacted topic, overwrites and deletes them, and reads all that is there. Each has keys of
 * its own, so that it knows what comes last; what it got no answer for may be there or not.
 */
import { CODECS, encodeBatch } from '@ottla/protocol'
import { Actor } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import { type CompactedModel, type CompactedTopic, ID_HEADER, type KeyedRecord } from './compacted-model.ts'
import type { LinkMaker } from './link.ts'
import { pick } from './setup.ts'
import { demand } from './simulation.ts'

const KEYS = 6
const MAX_RECORDS = 5
const MAX_VALUE_BYTES = 300
const TIMEOUT_MS = 5000
/** A cleaning may take what was read first. */
const MAX_SCANS = 5

export class Keeper extends Actor {
  protected override async step(): Promise<void> {
    if (this.random.chance(0.15)) await this.#read()
    else await this.#write()
  }

  protected override async finish(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.insist(() => this.#write())
    await this.insist(() => this.#read())
  }

  get #topic(): CompactedTopic {
    return this.ledger.compacted!
  }

  async #write(): Promise<void> {
    const index = this.random.integer(this.#topic.partitions.length)
    const model = this.#topic.partitions[index]!
    const link = await this.links.get()
    const records = Array.from({ length: 1 + this.random.integer(MAX_RECORDS) }, () => this.#makeRecord(model))
    const bytes = encodeBatch(
      records.map(({ input }) => input),
      { codec: pick(this.random, CODECS) },
    )
    const partitionData = [{ index, records: Uint8Array.from(bytes) }]
    const topicData = [{ name: this.#topic.name, partitionData }]
    this.maybeImpatient()
    const answer = await link.send(
      apis.produce,
      { acks: -1, timeoutMs: TIMEOUT_MS, topicData },
      LAST_WITH_NAMES.produce,
    )
    const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
    if (errorCode !== 0) this.expectError(errorCode, `records to ${model.name}`)
    else {
      this.ledger.acknowledged++
      this.say(`has written ${records.map(({ key, id }) => `${key}=${id}`)} at ${baseOffset} of ${model.name}`)
      model.onAcknowledged(records, baseOffset)
    }
  }

  #makeRecord(model: CompactedModel): KeyedRecord {
    const id = this.ledger.nextId()
    const key = `${this.name}.${this.random.integer(KEYS)}`
    const isTombstone = this.random.chance(0.25)
    const value = isTombstone ? null : this.random.bytes(this.random.integer(MAX_VALUE_BYTES))
    const headers = [{ key: ID_HEADER, value: Buffer.from(String(id)) }]
    const input = { key: Buffer.from(key), value, headers, timestamp: this.links.world.clock.now() }
    const record = { id, key, isTombstone, input, offset: null }
    model.add(record)
    return record
  }

  async #read(): Promise<void> {
    const index = this.random.integer(this.#topic.partitions.length)
    const problem = await readWhole(this.links, this.#topic, index, code => this.expectError(code, 'Fetch'))
    demand(problem === null, () => problem!)
  }
}

/** From the begin to the end; what is wrong with it, or null. */
export async function readWhole(
  links: LinkMaker,
  topic: CompactedTopic,
  partition: number,
  onError: (errorCode: number) => void,
): Promise<string | null> {
  const model = topic.partitions[partition]!
  let problem: string | null = null
  for (let scans = 0; scans < MAX_SCANS; scans++) {
    const scan = model.scan()
    for (let end = 1; scan.position < end; ) {
      const { promisedEnd } = model
      const partitions = [{ partition, fetchOffset: scan.position, partitionMaxBytes: 1 << 20 }]
      const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [{ topic: topic.name, partitions }] }
      const answer = await links.ask(apis.fetch, request, LAST_WITH_NAMES.fetch)
      const part = answer.responses[0]!.partitions[0]!
      if (part.errorCode !== 0) {
        onError(part.errorCode)
        return null
      }
      const bytes = part.records instanceof Uint8Array ? part.records : new Uint8Array(0)
      model.onFetched(scan, part.highWatermark, bytes, promisedEnd)
      end = part.highWatermark
    }
    problem = model.problem(scan)
    if (problem === null) return null
  }
  return problem
}
