/** Waits until brokers can be asked what needs a coordinator, so that no run is the first to look for one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { Asker } from '../../interop/prober.ts'

const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const INIT = { request: InitProducerIdRequest, response: InitProducerIdResponse }

/** Until there are coordinators. */
export async function findCoordinators(bootstrap: string): Promise<void> {
  const asker = new Asker('differ', bootstrap)
  try {
    for (const keyType of [0, 1]) {
      for (;;) {
        const { coordinators } = await asker.ask(FIND, 4, { keyType, coordinatorKeys: ['first'] })
        if (coordinators[0]!.errorCode === 0) break
        await sleep(50)
      }
    }
    for (;;) {
      const { errorCode } = await asker.ask(INIT, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
      if (errorCode === 0) break
      await sleep(50)
    }
  } finally {
    asker.end()
  }
}
