/** What handlers may use of the broker. Grows with the rooms; `broker.ts` makes it. */
import type { World } from '@ottla/io'

export interface Services {
  readonly world: World
}
