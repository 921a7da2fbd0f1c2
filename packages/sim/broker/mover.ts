/** Moves partitions from one log dir to another, and back before the first move is done. */
import { Actor } from './actor.ts'
import { apis } from './apis.ts'
import { PartitionModel } from './partition-model.ts'
import { isPassing } from './producer.ts'
import { pick } from './setup.ts'

export class Mover extends Actor {
  protected override readonly pauseMs = [20, 400] as const

  protected override async step(): Promise<void> {
    const topics = [...this.ledger.topics.values()].filter(({ name, isDeleted }) => !isDeleted && !isPassing(name))
    const { compacted } = this.ledger
    const topic = pick(this.random, compacted ? [...topics, compacted] : topics)
    const partition = this.random.integer(topic.partitions.length)
    const path = pick(this.random, this.sim.setup.logDirs)
    const dirs = [{ path, topics: [{ name: topic.name, partitions: [partition] }] }]
    const model = topic.partitions[partition]!
    if (model instanceof PartitionModel) model.mayHaveMoved = true
    this.maybeImpatient()
    const answer = await this.links.ask(apis.alterReplicaLogDirs, { dirs })
    const { errorCode } = answer.results[0]!.partitions[0]!
    if (errorCode === 0) this.say(`has ${topic.name}-${partition} moved to ${path}`)
    else this.expectError(errorCode, `the move of ${topic.name}-${partition}`)
  }

  protected override async finish(): Promise<void> {}
}
