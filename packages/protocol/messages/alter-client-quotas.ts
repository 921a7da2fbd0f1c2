import { array, bool, float64, int16, int32, message, type Of, string } from '../schema.ts'

export const AlterClientQuotasRequest = message(
  'AlterClientQuotasRequest',
  { key: 49, versions: '0-1', flexible: '1+', listeners: ['broker', 'controller'] },
  {
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string('0+', '', { nullable: '0+' }),
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: bool(),
      }),
    }),
    validateOnly: bool(),
  },
)

export type AlterClientQuotasRequest = Of<typeof AlterClientQuotasRequest>

export const AlterClientQuotasResponse = message(
  'AlterClientQuotasResponse',
  { key: 49, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string('0+', '', { nullable: '0+' }),
      entity: array({
        entityType: string(),
        entityName: string('0+', '', { nullable: '0+' }),
      }),
    }),
  },
)

export type AlterClientQuotasResponse = Of<typeof AlterClientQuotasResponse>
