import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const ListConfigResourcesRequest = message(
  'ListConfigResourcesRequest',
  { key: 74, versions: '0-1', flexible: '0+', listeners: ['broker'] },
  {
    resourceTypes: array(int8(), '1+'),
  },
)

export type ListConfigResourcesRequest = Of<typeof ListConfigResourcesRequest>

export const ListConfigResourcesResponse = message(
  'ListConfigResourcesResponse',
  { key: 74, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8('1+', 16, { ignorable: true }),
    }),
  },
)

export type ListConfigResourcesResponse = Of<typeof ListConfigResourcesResponse>
