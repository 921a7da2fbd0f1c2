/**
 * A part of the protocol that is tried by chance: a small world, the requests that may be made in it, and what is to be
 * remembered of answers so that the next request can be right, or wrong in an interesting way.
 */
import type { LoadableApi } from '@ottla/protocol/api-schemas'
import type { Settings } from '../interop/brokers.ts'
import type { Draw } from './draw.ts'
import type { Request, Settles, Step, Value } from './plan.ts'
import type { Result } from './run.ts'
import type { Outcome } from './side.ts'

export type Struct = Record<string, unknown>

/** One API, and how its fields are filled: `topics[].name` by path, or by a name for all places that have it. */
export interface Wish {
  readonly api: LoadableApi
  /** How often, beside the others. */
  readonly weight: number
  readonly versions?: readonly [min: number, max: number]
  /** `topics[]` is how many of them. */
  readonly fields: Readonly<Record<string, (draw: Draw) => Value | undefined>>
  readonly mayWait?: boolean
  readonly settles?: Settles
  readonly client?: (draw: Draw) => string
  /** The same, by what is asked. */
  readonly clientOf?: (request: Request) => string
  /** After all fields are there: what belongs together. Null: not this time. */
  readonly finish?: (request: Record<string, Value>, draw: Draw) => Request | null
}

export interface World {
  /** What begins every run. */
  readonly opening: readonly Omit<Step, 'id'>[]
  readonly wishes: readonly Wish[]
  asked?(step: Step): void
  /** Of Apache Kafka's answer, which is Ottla's too. */
  learn?(step: Step, outcome: Outcome): void
  /** As an area's, by what is known of the run. */
  excused?(result: Result): string | undefined
}

export interface Area {
  readonly name: string
  /** Steps in a run. */
  readonly length: number
  readonly settings?: Settings
  readonly world: () => World
  /** Once at each broker, before the first run. */
  readonly prepare?: (bootstrap: string) => Promise<void>
  /** Drops from an answer what other runs have left behind. */
  readonly filter?: (step: Step, answer: Struct, prefix: string) => Struct
  /** After each run, at each broker. */
  readonly cleanUp?: (bootstrap: string, prefix: string) => Promise<void>
  /** Why a difference is none: it is on purpose, or chance in Apache Kafka. */
  readonly excused?: (step: Step, kafka: Outcome, ottla: Outcome) => string | undefined
}
