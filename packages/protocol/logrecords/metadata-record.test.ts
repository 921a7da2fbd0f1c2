import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ZERO_UUID } from '../schema.ts'
import { allSchemas } from '../testing/all-schemas.ts'
import { goldenBytes } from '../testing/golden-bytes.ts'
import { goldenValue, plain } from '../testing/golden-values.ts'
import * as clusterMetadata from './cluster-metadata.ts'
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from './metadata-record.ts'

const TOPIC: MetadataRecord = { type: 'TopicRecord', version: 0, value: { name: 't', topicId: ZERO_UUID } }

test('every type in every version: frame version, record type, version, and the body that Kafka writes', async () => {
  const golden = goldenBytes(await allSchemas()).filter(
    ({ schema, variant }) => schema.name in clusterMetadata && variant !== 'tags',
  )
  const types = new Set<string>()
  for (const { schema, version, variant, bytes, title } of golden) {
    types.add(schema.name)
    const record = { type: schema.name, version, value: goldenValue(schema, version, variant) } as MetadataRecord
    const encoded = encodeMetadataRecord(record)
    assert.deepEqual(Buffer.from(encoded), Buffer.concat([Buffer.from([1, schema.key, version]), bytes]), title)
    assert.deepEqual(plain(decodeMetadataRecord(encoded)), plain(record), title)
  }
  assert.equal(types.size, Object.keys(clusterMetadata).length)
  assert.ok(types.size >= 26)
})

test('what is not known whole is a coded error', () => {
  const bytes = Buffer.from(encodeMetadataRecord(TOPIC))
  const refused = (broken: Uint8Array, code: string, message: RegExp) =>
    assert.throws(() => decodeMetadataRecord(broken), { name: 'ProtocolError', code, message })
  const withHead = (...head: number[]) => Buffer.concat([Buffer.from(head), bytes.subarray(3)])
  refused(withHead(0, 2, 0), 'ERR_UNSUPPORTED_VERSION', /frame version 0/)
  refused(withHead(2, 2, 0), 'ERR_UNSUPPORTED_VERSION', /frame version 2/)
  refused(withHead(1, 100, 0), 'ERR_MALFORMED', /unknown type 100/)
  refused(withHead(1, 2, 1), 'ERR_UNSUPPORTED_VERSION', /TopicRecord has versions 0 to 0, not 1/)
  refused(Buffer.concat([bytes, Buffer.from([0])]), 'ERR_MALFORMED', /TopicRecord v0: 1 bytes follow its end/)
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeMetadataRecord(bytes.subarray(0, length)), { name: 'ProtocolError' })
  }
})

test('a type that there is not can not be written', () => {
  assert.throws(() => encodeMetadataRecord({ ...TOPIC, type: 'NoSuchRecord' } as never), TypeError)
})
