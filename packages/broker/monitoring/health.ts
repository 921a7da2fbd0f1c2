/**
 * Whether a node is alive, and whether clients may be sent to it. Alive is a node that has not given up; ready is one that
 * is registered and not fenced, with its logs loaded, and that is not about to stop. One log dir of several that has failed
 * does not make a node unready: it serves all else, and moving clients away would help nobody.
 */

/** Kafka's BrokerState, by the same numbers. */
export const BrokerState = {
  NOT_RUNNING: 0,
  STARTING: 1,
  RECOVERY: 2,
  RUNNING: 3,
  PENDING_CONTROLLED_SHUTDOWN: 6,
  SHUTTING_DOWN: 7,
} as const
export type BrokerState = (typeof BrokerState)[keyof typeof BrokerState]

export interface Health {
  readonly isOk: boolean
  /** For people: `running`, or why not. */
  readonly reason: string
}

const REASONS: Readonly<Record<BrokerState, string>> = {
  [BrokerState.NOT_RUNNING]: 'not running',
  [BrokerState.STARTING]: 'starting',
  [BrokerState.RECOVERY]: 'loading logs',
  [BrokerState.RUNNING]: 'running',
  [BrokerState.PENDING_CONTROLLED_SHUTDOWN]: 'stopping: handing over',
  [BrokerState.SHUTTING_DOWN]: 'stopping',
}

export function liveness(failure: Error | null): Health {
  return failure ? { isOk: false, reason: `failed: ${failure.message}` } : { isOk: true, reason: 'alive' }
}

export function readiness(state: BrokerState, isFenced: boolean, failure: Error | null): Health {
  if (failure) return liveness(failure)
  if (state === BrokerState.RUNNING && isFenced) return { isOk: false, reason: 'fenced by the controller' }
  return { isOk: state === BrokerState.RUNNING, reason: REASONS[state] }
}
