/**
 * Sets feature levels of the cluster.
 *
 *  1  upgrade types, and just to validate            2  no results of single features in the response
 */
import { array, bool, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const UpdateFeaturesRequest = message(
  'UpdateFeaturesRequest',
  { key: 57, versions: '0-2', flexible: '0+', listeners: ['broker', 'controller'] },
  {
    timeoutMs: int32('0+', 60000),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', 1),
    }),
    validateOnly: bool('1+'),
  },
)

export type UpdateFeaturesRequest = Of<typeof UpdateFeaturesRequest>

export const UpdateFeaturesResponse = message(
  'UpdateFeaturesResponse',
  { key: 57, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+' }),
    results: array(
      {
        feature: string(),
        errorCode: int16(),
        errorMessage: string('0+', '', { nullable: '0+' }),
      },
      '0-1',
      { ignorable: true },
    ),
  },
)

export type UpdateFeaturesResponse = Of<typeof UpdateFeaturesResponse>
