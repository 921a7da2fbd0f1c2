import { array, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const ListTransactionsRequest = message(
  'ListTransactionsRequest',
  { key: 66, versions: '0-2', flexible: '0+', listeners: ['broker'] },
  {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64('1+', -1),
    transactionalIdPattern: string('2+', null, { nullable: '2+' }),
  },
)

export type ListTransactionsRequest = Of<typeof ListTransactionsRequest>

export const ListTransactionsResponse = message(
  'ListTransactionsResponse',
  { key: 66, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
)

export type ListTransactionsResponse = Of<typeof ListTransactionsResponse>
