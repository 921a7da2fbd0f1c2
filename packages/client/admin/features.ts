/** Features of the cluster: which levels a node speaks, which level is agreed on, and changing that. */
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import type { Cluster } from '../cluster.ts'
import { check, type Outcome, outcome } from '../errors.ts'

const versionsApi = { request: ApiVersionsRequest, response: ApiVersionsResponse }
const updateApi = { request: UpdateFeaturesRequest, response: UpdateFeaturesResponse }

const TIMEOUT_MS = 60_000

export interface Features {
  readonly supported: ReadonlyMap<string, { readonly min: number; readonly max: number }>
  readonly finalized: ReadonlyMap<string, number>
  /** null: the node has not heard of one. */
  readonly epoch: number | null
}

/** As one node knows them: the one named, or any. */
export async function describeFeatures(cluster: Cluster, node?: number): Promise<Features> {
  const connection = node === undefined ? await cluster.any() : await cluster.broker(node)
  const software = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0.1.0' }
  const response = await connection.send(versionsApi, software)
  check(response.errorCode, 'describe features')
  const { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch } = response
  return {
    supported: new Map(
      supportedFeatures.map(({ name, minVersion, maxVersion }) => [name, { min: minVersion, max: maxVersion }]),
    ),
    finalized: new Map(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
    epoch: finalizedFeaturesEpoch < 0 ? null : finalizedFeaturesEpoch,
  }
}

/** By Kafka's number. */
export const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  /** 0 disables it. */
  readonly level: number
  readonly type: (typeof UpgradeType)[keyof typeof UpgradeType]
}

/** All or nothing, from version 2 of the API on: then each has the same outcome. */
export async function updateFeatures(
  cluster: Cluster,
  updates: readonly FeatureUpdate[],
  { validateOnly = false }: { readonly validateOnly?: boolean } = {},
): Promise<Map<string, Outcome>> {
  const connection = await cluster.any()
  const isOld = connection.versionOf(UpdateFeaturesRequest) === 0
  const response = await connection.send(updateApi, {
    timeoutMs: TIMEOUT_MS,
    featureUpdates: updates.map(({ feature, level, type }) => ({
      feature,
      maxVersionLevel: level,
      ...(isOld ? { allowDowngrade: type !== UpgradeType.upgrade } : { upgradeType: type }),
    })),
    validateOnly,
  })
  const ofAll = { errorCode: response.errorCode, errorMessage: response.errorMessage }
  return new Map(
    updates.map(({ feature }) => {
      const own = response.results.find(result => result.feature === feature)
      const { errorCode, errorMessage } = ofAll.errorCode !== 0 || !own ? ofAll : own
      return [feature, outcome(errorCode, `update feature '${feature}'`, errorMessage)]
    }),
  )
}
