/**
 * A broker of one topic that does with a producer's requests what the test draws: takes a batch, refuses it, cuts the
 * connection before or after it was written. It keeps sequence numbers as a broker does: five batches of a producer are
 * known again, a gap is refused.
 */
import type { Connection } from '@ottla/io'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import {
  type BatchHeader,
  decode,
  decodeRecords,
  decodeRequestHeader,
  ErrorCode,
  type ErrorName,
  encodeResponse,
  FrameReader,
  type RequestHeader,
  verifyBatch,
} from '@ottla/protocol'
import { ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'

export type Whim = 'take' | 'cut before' | 'cut after' | ErrorName

const REMEMBERED = 5
const RANGES = [
  { apiKey: 0, minVersion: 3, maxVersion: 12 },
  { apiKey: 3, minVersion: 0, maxVersion: 12 },
  { apiKey: 18, minVersion: 0, maxVersion: 4 },
  { apiKey: 22, minVersion: 0, maxVersion: 4 },
]

interface Written {
  readonly producer: string
  readonly baseSequence: number
  readonly count: number
  readonly baseOffset: number
}

export class FickleBroker {
  readonly world: MemoryWorld
  /** Values by partition, in order. */
  readonly logs: string[][]
  /** Partitions in each request. */
  readonly requests: number[] = []
  readonly #batches: Written[][]
  readonly #whim: () => Whim
  #nextProducerId = 1

  private constructor(partitions: number, whim: () => Whim) {
    this.world = memoryWorld()
    this.logs = Array.from({ length: partitions }, () => [])
    this.#batches = Array.from({ length: partitions }, () => [])
    this.#whim = whim
  }

  /** `whim` is asked for every batch. */
  static async start(partitions: number, whim: () => Whim): Promise<FickleBroker> {
    const broker = new FickleBroker(partitions, whim)
    await broker.world.network.listen({ host: '', port: 9092 }, socket => broker.#serve(socket))
    return broker
  }

  #serve(socket: Connection): void {
    const frames = new FrameReader(10_000_000)
    socket.start({
      onData: bytes => {
        frames.push(bytes)
        for (let frame = frames.next(); frame; frame = frames.next()) this.#answer(decodeRequestHeader(frame), socket)
      },
      onDrain: () => {},
      onClose: () => {},
    })
  }

  #answer(header: RequestHeader, socket: Connection): void {
    const { apiKey, apiVersion, correlationId } = header
    if (apiKey === 18) socket.write(encodeResponse(ApiVersionsResponse, apiVersion, correlationId, { apiKeys: RANGES }))
    else if (apiKey === 22) {
      const identity = { producerId: this.#nextProducerId++, producerEpoch: 0 }
      socket.write(encodeResponse(InitProducerIdResponse, apiVersion, correlationId, identity))
    } else if (apiKey === 3) {
      socket.write(encodeResponse(MetadataResponse, apiVersion, correlationId, this.#metadata()))
    } else this.#produce(header, socket)
  }

  #metadata() {
    const partitions = this.logs.map((_, partitionIndex) => ({ partitionIndex, leaderId: 1 }))
    return { brokers: [{ nodeId: 1, host: '127.0.0.1', port: 9092 }], topics: [{ name: 't', partitions }] }
  }

  #produce({ apiVersion, correlationId, body }: RequestHeader, socket: Connection): void {
    const { topicData } = decode(ProduceRequest, apiVersion, body)
    const partitions = topicData[0]!.partitionData
    this.requests.push(partitions.length)
    const responses = []
    for (const { index, records } of partitions) {
      const whim = this.#whim()
      // What was good once is good again.
      const isTaken = whim === 'take' || whim === 'cut after' || this.#writtenAs(index, verifyBatch(records!)) !== null
      const result = isTaken ? this.#write(index, records!) : { errorCode: whim === 'cut before' ? 0 : ErrorCode[whim] }
      if (whim === 'cut before' || whim === 'cut after') {
        socket.destroy()
        return
      }
      responses.push({ index, baseOffset: -1, ...result })
    }
    const response = { responses: [{ name: 't', partitionResponses: responses }] }
    socket.write(encodeResponse(ProduceResponse, apiVersion, correlationId, response))
  }

  #batchesOf(index: number, header: BatchHeader): Written[] {
    if (header.producerId < 0) return []
    return this.#batches[index]!.filter(({ producer }) => producer === producerOf(header))
  }

  #writtenAs(index: number, header: BatchHeader): Written | null {
    const remembered = this.#batchesOf(index, header).slice(-REMEMBERED)
    return remembered.find(({ baseSequence }) => baseSequence === header.baseSequence) ?? null
  }

  #write(index: number, records: Uint8Array): { errorCode: number; baseOffset?: number } {
    const header = verifyBatch(records)
    const again = this.#writtenAs(index, header)
    if (again) return { errorCode: 0, baseOffset: again.baseOffset }
    const last = this.#batchesOf(index, header).at(-1)
    if (last && header.baseSequence !== last.baseSequence + last.count)
      return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }
    const log = this.logs[index]!
    const { baseSequence, count } = header
    const written = { producer: producerOf(header), baseSequence, count, baseOffset: log.length }
    this.#batches[index]!.push(written)
    for (const { value } of decodeRecords(records, header)) log.push(Buffer.from(value!).toString())
    return { errorCode: 0, baseOffset: written.baseOffset }
  }
}

function producerOf({ producerId, producerEpoch }: BatchHeader): string {
  return `${producerId}/${producerEpoch}`
}
