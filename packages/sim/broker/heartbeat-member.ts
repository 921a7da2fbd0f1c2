/**
 * What members have in common that say and hear everything in heartbeats, as those of consumer groups (KIP-848) and of
 * streams groups (KIP-1071) do: they say what they own when it has changed, or when it is not sure that they were heard;
 * they begin anew when they are fenced, which must not happen to one that has done all in time; and some fall silent.
 */
import type { ErrorName } from '@ottla/protocol'
import { Actor, type ActorOptions } from './actor.ts'
import type { Membership } from './consumer-group-ledger.ts'
import { NoAnswer } from './link.ts'
import { SESSION_TIMEOUT_MS } from './setup.ts'
import { demand } from './simulation.ts'

export const JOINING_EPOCH = 0
export const LEAVING_EPOCH = -1

export const MUST_REJOIN = [
  'FENCED_MEMBER_EPOCH',
  'UNKNOWN_MEMBER_ID',
  'GROUP_ID_NOT_FOUND',
  'FENCED_INSTANCE_ID',
] as const
export const COORDINATOR_BUSY = [
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
] as const

export abstract class HeartbeatMember extends Actor {
  protected readonly me: Membership
  /** What the coordinator knows is not what the member would say. */
  protected mustSayAll = true
  #saidOwned = ''
  #ids = 0

  constructor(options: ActorOptions, group: string) {
    super(options)
    this.me = this.groups.consumers.add(this.name, group)
  }

  protected newId(): string {
    return `${this.name}.${this.#ids++}`
  }

  protected beginAnew(id = this.newId()): void {
    this.me.restart(id)
    this.mustSayAll = true
  }

  protected get ownedHasChanged(): boolean {
    return this.#listOwned() !== this.#saidOwned
  }

  /** The answer of `ask`, which says what the member owns if `saysOwned`. */
  protected async heartbeat<T>(saysOwned: boolean, ask: () => Promise<T>): Promise<T> {
    const owned = this.#listOwned()
    this.maybeImpatient()
    try {
      const answer = await ask()
      if (saysOwned) this.#saidOwned = owned
      return answer
    } catch (error) {
      if (error instanceof NoAnswer) this.#onLost(saysOwned)
      throw error
    }
  }

  /** `transient`: errors besides that change nothing. */
  protected onRefused(errorCode: number, api: string, saysOwned: boolean, transient: readonly ErrorName[] = []): void {
    const { me } = this
    const isSure = me.isSure(this.sim.time.monotonic())
    const code = this.expectError(errorCode, api, ...transient, ...MUST_REJOIN, ...COORDINATOR_BUSY)
    if (!MUST_REJOIN.some(known => known === code)) {
      this.#onLost(saysOwned)
      return
    }
    demand(!isSure || this.node.isExcused, () => `${me.id} in epoch ${me.epoch} is ${code}, and has done all in time`)
    this.beginAnew(code === 'FENCED_MEMBER_EPOCH' ? me.id : undefined)
  }

  /** Dies, and another one comes in its place; a static one under the same name. */
  protected async goSilent(): Promise<void> {
    this.say('goes silent')
    this.beginAnew()
    this.hangUp()
    await this.sim.pause(this.random.between(0, 2 * SESSION_TIMEOUT_MS))
  }

  #listOwned(): string {
    return [...this.me.owned.keys()].sort().join()
  }

  #onLost(saysOwned: boolean): void {
    const owned = saysOwned ? new Set(this.me.owned.keys()) : null
    this.me.lost = [...this.me.lost, { life: this.node.life, owned }]
    this.mustSayAll = true
  }
}
