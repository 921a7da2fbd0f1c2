import { array, bool, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const AlterConfigsRequest = message(
  'AlterConfigsRequest',
  { key: 33, versions: '0-2', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string('0+', '', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool(),
  },
)

export type AlterConfigsRequest = Of<typeof AlterConfigsRequest>

export const AlterConfigsResponse = message(
  'AlterConfigsResponse',
  { key: 33, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string('0+', '', { nullable: '0+' }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
)

export type AlterConfigsResponse = Of<typeof AlterConfigsResponse>
