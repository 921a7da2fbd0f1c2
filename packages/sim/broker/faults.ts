/** What happens to the network, the disk and the clock while the node runs. Its end is up to workload.ts. */
import type { DiskOperation, SeededRandom } from '@ottla/io/memory'
import type { Actor } from './actor.ts'
import type { SimNode } from './node.ts'
import { pick } from './setup.ts'
import { NODE, type Simulation } from './simulation.ts'

const MAX_CUT_MS = 1200
const MAX_JUMP_MS = 10 * 60_000

export class Faults {
  readonly #sim: Simulation
  readonly #node: SimNode
  readonly #actors: readonly Actor[]
  readonly #random: SeededRandom
  /** How far the node's clock has jumped. */
  #offsetMs = 0

  constructor(sim: Simulation, node: SimNode, actors: readonly Actor[]) {
    this.#sim = sim
    this.#node = node
    this.#actors = actors
    this.#random = sim.firstWorld.stream('faults')
  }

  async run(): Promise<void> {
    while (!this.#sim.isMended) {
      await this.#sim.pause(this.#random.between(10, 300))
      if (!this.#sim.isMended) this.#strike()
    }
  }

  /** Everything is mended. */
  heal(): void {
    this.#sim.isMended = true
    this.#sim.firstWorld.fabric.heal()
    this.#sim.say('all is mended')
  }

  /** One kind of call fails in one log dir, once or from now on. */
  breakDisk(): void {
    const dir = pick(this.#random, this.#sim.setup.logDirs)
    const operation = pick<DiskOperation>(this.#random, [
      'write',
      'write',
      'sync',
      'open',
      'read',
      'rename',
      'truncate',
    ])
    const code = pick(this.#random, ['EIO', 'ENOSPC'])
    const times = this.#random.chance(0.5) ? 1 : Number.POSITIVE_INFINITY
    this.#sim.say(`${operation} in ${dir} fails with ${code}, ${times} times`)
    this.#node.plant({ operation, code, times, path: path => path.startsWith(`${dir}/`) })
  }

  #strike(): void {
    const actor = pick(this.#random, this.#actors)
    const dice = this.#random.integer(6)
    if (dice < 2) {
      this.#sim.say(`the connections of ${actor.name} are reset`)
      actor.reset()
    } else if (dice < 4) this.#cut(actor)
    else if (dice === 4) this.#jump()
    else this.#slowDisk()
  }

  /** One way or both: what is sent arrives later, or never if somebody loses patience. */
  #cut(actor: Actor): void {
    const { fabric } = this.#sim.firstWorld
    const [there, back] = pick(this.#random, [
      [true, false],
      [false, true],
      [true, true],
    ] as const)
    this.#sim.say(
      `${actor.name} is cut off, ${there ? 'to' : ''}${there && back ? ' and ' : ''}${back ? 'from' : ''} the node`,
    )
    if (there) fabric.cut(actor.name, NODE)
    if (back) fabric.cut(NODE, actor.name)
    this.#sim.time.setTimer(this.#random.between(1, MAX_CUT_MS), () => {
      fabric.heal(actor.name, NODE)
      fabric.heal(NODE, actor.name)
    })
    if (!this.#random.chance(0.4)) return
    this.#sim.time.setTimer(this.#random.between(1, MAX_CUT_MS), () => {
      if (!this.#sim.isMended) actor.hangUp()
    })
  }

  #jump(): void {
    if (!this.#node.isRunning) return
    const target = this.#random.between(-MAX_JUMP_MS, MAX_JUMP_MS)
    const ms = Math.round(target - this.#offsetMs)
    this.#offsetMs += ms
    this.#sim.say(`the node's clock jumps by ${ms} ms`)
    this.#node.world.clock.jump(ms)
  }

  #slowDisk(): void {
    const { disk } = this.#node.world
    const before = this.#sim.setup.world.diskLatencyMs ?? null
    if (!before || !this.#node.isRunning) return
    this.#sim.say('the disk is slow')
    disk.latencyMs = { sync: [50, 300], write: [1, 40] }
    this.#sim.time.setTimer(this.#random.between(50, 500), () => {
      disk.latencyMs = before
    })
  }
}
