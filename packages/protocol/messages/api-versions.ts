/**
 * What a broker speaks: the first request of a connection. An unknown version is answered in version 0, with error 35.
 *
 *  3  flexible, though the response's header never is; name and version of the client; features
 *  4  features whose lowest level is 0, which clients of version 3 can't take (KAFKA-17011)
 */
import { array, bool, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const ApiVersionsRequest = message(
  'ApiVersionsRequest',
  { key: 18, versions: '0-4', flexible: '3+', listeners: ['broker', 'controller'] },
  {
    clientSoftwareName: string('3+', '', { ignorable: true }),
    clientSoftwareVersion: string('3+', '', { ignorable: true }),
  },
)

export type ApiVersionsRequest = Of<typeof ApiVersionsRequest>

export const ApiVersionsResponse = message(
  'ApiVersionsResponse',
  { key: 18, versions: '0-4', flexible: '3+' },
  {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    supportedFeatures: array(
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      '3+',
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', -1, { tag: 1, ignorable: true }),
    finalizedFeatures: array(
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      '3+',
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', false, { tag: 3, ignorable: true }),
  },
)

export type ApiVersionsResponse = Of<typeof ApiVersionsResponse>
