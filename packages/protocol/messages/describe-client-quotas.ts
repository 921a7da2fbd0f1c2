import { array, bool, float64, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const DescribeClientQuotasRequest = message(
  'DescribeClientQuotasRequest',
  { key: 48, versions: '0-1', flexible: '1+', listeners: ['broker'] },
  {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string('0+', '', { nullable: '0+' }),
    }),
    strict: bool(),
  },
)

export type DescribeClientQuotasRequest = Of<typeof DescribeClientQuotasRequest>

export const DescribeClientQuotasResponse = message(
  'DescribeClientQuotasResponse',
  { key: 48, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+' }),
    entries: array(
      {
        entity: array({
          entityType: string(),
          entityName: string('0+', '', { nullable: '0+' }),
        }),
        values: array({
          key: string(),
          value: float64(),
        }),
      },
      '0+',
      { nullable: '0+' },
    ),
  },
)

export type DescribeClientQuotasResponse = Of<typeof DescribeClientQuotasResponse>
