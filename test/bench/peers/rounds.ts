/**
 * A comparison with Apache Kafka, where it is at hand: both brokers by turns, each time a new one, so that what the machine
 * does meanwhile meets both. The last line is the ratio of the medians.
 */
import { BROKERS, type BrokerName, BrokerProcess } from './broker-process.ts'

const ROUNDS = 3

export interface Comparison {
  readonly unit: string
  readonly firstPort: number
  /** `key=value` of a server.properties. */
  readonly configs?: readonly string[]
  measure(broker: BrokerProcess): Promise<number>
}

export async function compare({ unit, firstPort, configs, measure }: Comparison): Promise<void> {
  const values = new Map<BrokerName, number[]>(BROKERS.map(name => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, name] of BROKERS.entries()) {
      await using broker = await BrokerProcess.start(name, firstPort + 10 * i, configs)
      const value = await measure(broker)
      values.get(name)!.push(value)
      console.log(`round ${round + 1}  ${name}  ${show(value)} ${unit}`)
    }
  }
  const [ours, theirs] = BROKERS.map(name => median(values.get(name)!))
  if (ours && theirs)
    console.log(`medians ${show(ours)} and ${show(theirs)} ${unit}, ratio ${(ours / theirs).toFixed(2)}`)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

function show(value: number): string {
  return value < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}
