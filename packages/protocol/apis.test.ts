import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadApi, loadableApis } from './api-schemas.ts'
import { ApiKey, type ApiName, apiName, flexibleSince } from './apis.ts'
import { inRange } from './schema.ts'
import { allSchemas } from './testing/all-schemas.ts'

/** Their keys stay reserved; their schemas went with ZooKeeper. */
const REMOVED: readonly ApiName[] = ['LeaderAndIsr', 'StopReplica', 'UpdateMetadata', 'ControlledShutdown']

test('keys, names, flexible versions and schemas of all APIs agree', async () => {
  for (const name of loadableApis) {
    const { request, response } = await loadApi(name)
    assert.equal(request.name, `${name}Request`)
    assert.equal(response.name, `${name}Response`)
    assert.equal(request.key, ApiKey[name])
    assert.equal(response.key, ApiKey[name])
    assert.deepEqual(request.versions, response.versions)
    for (let version = request.versions.min; version <= request.versions.max; version++) {
      const isFlexible = inRange(request.flexible, version)
      assert.equal(isFlexible, inRange(response.flexible, version), `${name} v${version}`)
      assert.equal(isFlexible, version >= flexibleSince(request.key), `${name} v${version}`)
    }
  }
})

test('no API is missing', async () => {
  const requests = [...(await allSchemas()).keys()].filter(name => name.endsWith('Request'))
  assert.deepEqual(loadableApis.map(name => `${name}Request`).sort(), requests.sort())
  const listed: readonly string[] = [...loadableApis, ...REMOVED]
  assert.deepEqual(Object.keys(ApiKey).sort(), listed.toSorted())
})

test('a key that nobody knows has no name, and no flexible version', () => {
  assert.equal(apiName(1), 'Fetch')
  assert.equal(apiName(500), null)
  assert.equal(flexibleSince(500), Number.POSITIVE_INFINITY)
  assert.equal(flexibleSince(-1), Number.POSITIVE_INFINITY)
})
