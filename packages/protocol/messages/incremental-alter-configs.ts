import { array, bool, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const IncrementalAlterConfigsRequest = message(
  'IncrementalAlterConfigsRequest',
  { key: 44, versions: '0-1', flexible: '1+', listeners: ['broker', 'controller'] },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
        value: string('0+', '', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool(),
  },
)

export type IncrementalAlterConfigsRequest = Of<typeof IncrementalAlterConfigsRequest>

export const IncrementalAlterConfigsResponse = message(
  'IncrementalAlterConfigsResponse',
  { key: 44, versions: '0-1', flexible: '1+' },
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

export type IncrementalAlterConfigsResponse = Of<typeof IncrementalAlterConfigsResponse>
