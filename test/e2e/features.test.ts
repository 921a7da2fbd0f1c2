/** What ApiVersions says of the cluster's features: those that are finalized, kraft.version among them where it is above 0. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import { inProcess } from './in-process.ts'

const api = { request: ApiVersionsRequest, response: ApiVersionsResponse }

async function finalizedLevels(config: Record<string, string>): Promise<Map<string, number>> {
  await using node = await inProcess({ config })
  const { finalizedFeatures } = await node.send(api, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
  assert.ok(finalizedFeatures.every(({ minVersionLevel, maxVersionLevel }) => minVersionLevel === maxVersionLevel))
  return new Map(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
}

test('a quorum whose voters are in its log has kraft.version 1', async () => {
  const levels = await finalizedLevels({})
  assert.equal(levels.get('kraft.version'), 1)
  assert.equal(levels.get('metadata.version'), 30)
})

test('one whose voters are configured has none', async () => {
  const levels = await finalizedLevels({ 'controller.quorum.voters': '1@127.0.0.1:9093' })
  assert.equal(levels.has('kraft.version'), false)
  assert.equal(levels.get('metadata.version'), 30)
})

test('a level of metadata.version that is not released is offered where that is enabled, and can be set', async () => {
  await using node = await inProcess({ config: { 'unstable.feature.versions.enable': 'true' } })
  const offered = async () => {
    const answer = await node.send(api, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    const { maxVersion } = answer.supportedFeatures.find(({ name }) => name === 'metadata.version')!
    return [maxVersion, answer.finalizedFeatures.find(({ name }) => name === 'metadata.version')!.maxVersionLevel]
  }
  assert.deepEqual(await offered(), [31, 30])
  const update = { request: UpdateFeaturesRequest, response: UpdateFeaturesResponse }
  const featureUpdates = [{ feature: 'metadata.version', maxVersionLevel: 31, upgradeType: 1 }]
  const { errorCode, errorMessage } = await node.send(update, { featureUpdates })
  assert.deepEqual([errorCode, errorMessage], [0, null])
  assert.deepEqual(await offered(), [31, 31])
})
