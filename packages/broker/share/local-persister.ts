/**
 * The way to the share coordinator of this node, with the patience that a network client would need: the state topic is
 * created when it is first needed, and a coordinator that is being loaded is asked again.
 */
import type { Clock } from '@ottla/io'
import { ErrorCode } from '@ottla/protocol'
import { sharePartitionName } from '../coordinator/share/requests.ts'
import type { Persister, ShareCoordinator } from '../coordinator/share-coordinator.ts'

export interface LocalPersisterOptions {
  readonly coordinator: ShareCoordinator
  readonly clock: Clock
  /** Resolves when the state topic is there, or can't be made. */
  readonly createTopic: () => Promise<void>
}

interface Request {
  readonly groupId: string
  readonly topics: readonly {
    readonly topicId: string
    readonly partitions: readonly { readonly partition: number }[]
  }[]
}

interface Response {
  readonly results: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]
}

const RETRIABLE = new Set<number>([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
])
const MAX_ATTEMPTS = 5
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2000
/** A partition that is led by nobody is never loaded. */
const LOAD_PATIENCE_MS = 1000

export class LocalPersister implements Persister {
  readonly #options: LocalPersisterOptions

  constructor(options: LocalPersisterOptions) {
    this.#options = options
  }

  initializeShareGroupState(...[request]: Parameters<Persister['initializeShareGroupState']>) {
    return this.#ask(request, coordinator => coordinator.initializeShareGroupState(request))
  }

  readShareGroupState(...[request]: Parameters<Persister['readShareGroupState']>) {
    return this.#ask(request, coordinator => coordinator.readShareGroupState(request))
  }

  writeShareGroupState(...[request]: Parameters<Persister['writeShareGroupState']>) {
    return this.#ask(request, coordinator => coordinator.writeShareGroupState(request))
  }

  deleteShareGroupState(...[request]: Parameters<Persister['deleteShareGroupState']>) {
    return this.#ask(request, coordinator => coordinator.deleteShareGroupState(request))
  }

  readShareGroupStateSummary(...[request]: Parameters<Persister['readShareGroupStateSummary']>) {
    return this.#ask(request, coordinator => coordinator.readShareGroupStateSummary(request))
  }

  /** Once more all of it where a part failed: nothing becomes wrong by being said twice. */
  async #ask<R extends Response>(request: Request, ask: (coordinator: ShareCoordinator) => Promise<R>): Promise<R> {
    const { coordinator, clock } = this.#options
    for (let attempt = 1; ; attempt++) {
      const response = await ask(coordinator)
      if (attempt === MAX_ATTEMPTS || !isRetriable(response)) return response
      await this.#prepare(request)
      if (attempt === 1) continue
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, MAX_PAUSE_MS)
      await new Promise<void>(resolve => clock.setTimer(pauseMs, resolve))
    }
  }

  /** The first time there is no topic yet; after a start its partitions are being loaded. */
  async #prepare({ groupId, topics }: Request): Promise<void> {
    const { coordinator, clock, createTopic } = this.#options
    await createTopic()
    const names = topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partition }) => sharePartitionName({ groupId, topicId, partition })),
    )
    const wanted = new Set(names.map(name => coordinator.partitionFor(name)))
    await new Promise<void>(resolve => {
      const timer = clock.setTimer(LOAD_PATIENCE_MS, resolve)
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      Promise.all([...wanted].map(partition => coordinator.whenLoaded(partition))).then(done, done)
    })
  }
}

function isRetriable({ results }: Response): boolean {
  return results.some(({ partitions }) => partitions.some(({ errorCode }) => RETRIABLE.has(errorCode)))
}
