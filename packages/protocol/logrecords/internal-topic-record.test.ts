import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ZERO_UUID } from '../schema.ts'
import { allSchemas } from '../testing/all-schemas.ts'
import { goldenValue, plain } from '../testing/golden-values.ts'
import * as consumerOffsets from './consumer-offsets.ts'
import {
  type ConsumerOffsetsRecord,
  consumerOffsetsTopic,
  type InternalTopic,
  shareGroupStateTopic,
  transactionStateTopic,
} from './internal-topic-record.ts'
import * as shareGroupState from './share-group-state.ts'
import * as transactionState from './transaction-state.ts'

const COMMIT: ConsumerOffsetsRecord = {
  type: 'OffsetCommit',
  key: { group: 'g', topic: 't', partition: 3 },
  version: 3,
  value: {
    offset: 7,
    leaderEpoch: 1,
    metadata: '',
    commitTimestamp: 5,
    expireTimestamp: -1,
    topicId: ZERO_UUID,
  },
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString('hex')
}

test('an offset commit: type and version in front, and back again', () => {
  const { key, value } = consumerOffsetsTopic.encode(COMMIT)
  assert.equal(hex(key), '0001' + '000167' + '000174' + '00000003')
  assert.equal(hex(value), '0003' + '0000000000000007' + '00000001' + '0000' + '0000000000000005')
  assert.deepEqual(consumerOffsetsTopic.decode(key, value), COMMIT)
})

test('a tombstone has no value', () => {
  const tombstone: ConsumerOffsetsRecord = { ...COMMIT, value: null, version: -1 }
  const { key, value } = consumerOffsetsTopic.encode(tombstone)
  assert.equal(value, null)
  assert.deepEqual(consumerOffsetsTopic.decode(key, null), tombstone)
})

test('a record type that nobody knows is a result; what is broken is a coded error', () => {
  const unknown = { type: 'Unknown', recordType: 99 }
  assert.deepEqual(consumerOffsetsTopic.decode(Buffer.from('00630102', 'hex'), null), unknown)
  const { key, value } = consumerOffsetsTopic.encode(COMMIT)
  const version99 = Buffer.from('0063', 'hex')
  assert.throws(() => consumerOffsetsTopic.decode(key, version99), { code: 'ERR_UNSUPPORTED_VERSION' })
  assert.throws(() => consumerOffsetsTopic.decode(key, value!.subarray(0, 9)), { code: 'ERR_TRUNCATED' })
  assert.throws(() => consumerOffsetsTopic.decode(key.subarray(0, 1), null), { code: 'ERR_TRUNCATED' })
})

test('Kafka leaves bytes behind a body alone', () => {
  const { key, value } = consumerOffsetsTopic.encode(COMMIT)
  assert.deepEqual(consumerOffsetsTopic.decode(key, Buffer.concat([value!, Buffer.from([1, 2])])), COMMIT)
})

test('every type of all three topics comes back in every version', async () => {
  const schemas = await allSchemas()
  const topics: [InternalTopic<never>, Record<string, unknown>, number][] = [
    [consumerOffsetsTopic as never, consumerOffsets, 22],
    [transactionStateTopic as never, transactionState, 1],
    [shareGroupStateTopic as never, shareGroupState, 2],
  ]
  for (const [topic, module, expected] of topics) {
    const types = Object.keys(module).flatMap(name => /^(.*)Key$/.exec(name)?.[1] ?? [])
    assert.equal(types.length, expected)
    for (const type of types) {
      const [keySchema, valueSchema] = [schemas.get(`${type}Key`)!, schemas.get(`${type}Value`)!]
      assert.equal(keySchema.key, valueSchema.key)
      for (let version = 0; version <= valueSchema.versions.max; version++) {
        const record = {
          type,
          key: goldenValue(keySchema, 0, 'full'),
          value: goldenValue(valueSchema, version, 'full'),
          version,
        }
        const { key, value } = topic.encode(record as never)
        assert.deepEqual(plain(topic.decode(key, value)), plain(record))
      }
    }
  }
})
