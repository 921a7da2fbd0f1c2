/** Waits until what a broker has begun, and goes on with after its answer, is over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '@ottla/protocol/messages/describe-client-quotas'
import { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import { Asker } from '../interop/prober.ts'

const ALTER = { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }
const DESCRIBE = { request: DescribeClientQuotasRequest, response: DescribeClientQuotasResponse }

const TRANSACTIONS = { request: ListTransactionsRequest, response: ListTransactionsResponse }
const DECIDED = ['PrepareCommit', 'PrepareAbort', 'PrepareEpochFence']

const ENTITY = { entityType: 'client-id', entityName: 'barrier' }
const KEY = 'producer_byte_rate'
const EXACT = 0
const MOMENT_MS = 40

export class Barrier {
  readonly asker: Asker
  #value = Date.now()

  constructor(bootstrap: string) {
    this.asker = new Asker('differ', bootstrap)
  }

  /**
   * Until the broker knows what its controller has decided: clients are answered by the controller, and a broker learns of
   * it a moment later. What is changed for the wait, a quota of a client that nobody is, comes after everything else; and a
   * broker that shows it may still be busy with what came along with it, but not when it shows the next.
   */
  async metadata(): Promise<void> {
    await this.#once()
    await this.#once()
  }

  /** Until all markers of the run's transactions are written. */
  async transactions(prefix: string): Promise<void> {
    for (;;) {
      const { transactionStates } = await this.asker.ask(TRANSACTIONS, 0, { stateFilters: DECIDED })
      if (!transactionStates.some(({ transactionalId }) => transactionalId.startsWith(prefix))) return
      await sleep(1)
    }
  }

  async moment(): Promise<void> {
    await sleep(MOMENT_MS)
  }

  async #once(): Promise<void> {
    const value = ++this.#value
    await this.asker.ask(ALTER, 1, { entries: [{ entity: [ENTITY], ops: [{ key: KEY, value }] }] })
    const components = [{ entityType: ENTITY.entityType, matchType: EXACT, match: ENTITY.entityName }]
    for (;;) {
      const { entries } = await this.asker.ask(DESCRIBE, 1, { components, strict: true })
      if (entries?.[0]?.values.some(quota => quota.value === value)) return
      await sleep(1)
    }
  }
}
