/** One of the two brokers, in one run: its connections, what it calls things, and what it still has to answer. */
import { encodeRequest, type Message, ProtocolError } from '@ottla/protocol'
import { type LoadableApi, loadApi } from '@ottla/protocol/api-schemas'
import { Asker, Closed } from '../interop/prober.ts'
import { Names } from './names.ts'
import { type Answer, normalise } from './normalise.ts'
import { type Step, showStep } from './plan.ts'

export interface Schemas {
  readonly request: Message
  readonly response: Message
}

const loaded = new Map<LoadableApi, Schemas>()

export async function schemasOf(api: LoadableApi): Promise<Schemas> {
  const known = loaded.get(api)
  if (known) return known
  const schemas = await loadApi(api)
  loaded.set(api, schemas)
  return schemas
}

export type Outcome = Answer | 'closed' | 'no answer' | `undecodable: ${string}`

/** A request that is under way. */
export interface Pending {
  readonly step: Step
  outcome: Outcome | undefined
  /** When it got its outcome: `performance.now()`. */
  endedAt: number
}

export type Own = (element: string) => boolean

export class Side {
  readonly names: Names
  readonly #bootstrap: string
  readonly #askers = new Map<string, { asker: Asker; pending: Pending | undefined }>()
  readonly #extra: Asker[] = []
  readonly #onOutcome: () => void

  constructor(bootstrap: string, prefix: string, onOutcome: () => void) {
    this.#bootstrap = bootstrap
    this.names = new Names(prefix)
    this.#onOutcome = onOutcome
  }

  /** The outcome comes later. Throws if the step can't be encoded, which is the plan's fault. */
  async send(step: Step): Promise<Pending> {
    const schemas = await schemasOf(step.api)
    const request = this.names.resolve(step.request) as Record<string, never>
    const asker = this.#asker(step.client)
    try {
      encodeRequest(schemas.request, step.version, { correlationId: 0, clientId: '' }, request)
    } catch (error) {
      throw new Error(`can't be encoded: ${showStep(step)}`, { cause: error })
    }
    const pending: Pending = { step, outcome: undefined, endedAt: 0 }
    this.#askers.get(step.client)!.pending = pending
    void this.#ask(asker, schemas, step, request).then(outcome => {
      pending.outcome = outcome
      pending.endedAt = performance.now()
      this.#onOutcome()
    })
    return pending
  }

  async #ask(asker: Asker, schemas: Schemas, step: Step, request: Record<string, never>): Promise<Outcome> {
    try {
      if (step.api === 'Produce' && step.request.acks === 0) {
        return (await asker.tellOnly(schemas, step.version, request)) ? {} : 'closed'
      }
      return (await asker.ask(schemas, step.version, request)) as Answer
    } catch (error) {
      if (error instanceof Closed) return 'closed'
      if (error instanceof ProtocolError) return `undecodable: ${error.message}`
      return 'no answer'
    }
  }

  /** With symbols; new ones are made. Once for each outcome, in the order of the steps. */
  normalised({ step, outcome }: Pending): Outcome {
    if (outcome === undefined) return 'no answer'
    if (typeof outcome === 'string') return outcome
    this.names.begin(step.id)
    return normalise(loaded.get(step.api)!.response, outcome, this.names)
  }

  /** A connection takes one request at a time: who waits for an answer asks by another. */
  #asker(client: string): Asker {
    const used = this.#askers.get(client)
    if (used && !used.asker.isClosed && (used.pending === undefined || used.pending.outcome !== undefined))
      return used.asker
    if (used) this.#extra.push(used.asker)
    const asker = new Asker(client, this.#bootstrap)
    this.#askers.set(client, { asker, pending: undefined })
    return asker
  }

  end(): void {
    for (const { asker } of this.#askers.values()) asker.end()
    for (const asker of this.#extra) asker.end()
  }
}
