import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadApi, loadableApis } from './api-schemas.ts'
import { decode, encodeToBytes } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse } from './frame.ts'
import { ApiVersionsRequest, ApiVersionsResponse } from './messages/api-versions.ts'
import { FetchRequest, FetchResponse } from './messages/fetch.ts'
import { RequestHeader, ResponseHeader } from './messages/headers.ts'
import { MetadataRequest } from './messages/metadata.ts'
import { SaslHandshakeRequest, SaslHandshakeResponse } from './messages/sasl-handshake.ts'
import { Reader } from './reader.ts'
import { goldenValue, plain } from './testing/golden-values.ts'

function hex(...parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString('hex')
}

/** Without the size, which must be right. */
function unframed(chunks: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat(chunks)
  assert.equal(frame.readInt32BE(), frame.length - 4)
  return frame.subarray(4)
}

test('the headers of all APIs in all versions are those of the schemas', async () => {
  for (const name of loadableApis) {
    const { request, response } = await loadApi(name)
    for (let version = request.versions.min; version <= request.versions.max; version++) {
      const isFlexible = version >= request.flexible.min && request.flexible.max >= version
      const header = { requestApiKey: request.key, requestApiVersion: version, correlationId: 77, clientId: 'mé' }
      const requestHeader = encodeToBytes(RequestHeader, isFlexible ? 2 : 1, header)
      const frame = unframed(encodeRequest(request, version, header, {}))
      assert.equal(hex(frame), hex(requestHeader, encodeToBytes(request, version, {})), `${name} v${version}`)

      const hasTags = isFlexible && name !== 'ApiVersions'
      const responseHeader = encodeToBytes(ResponseHeader, hasTags ? 1 : 0, { correlationId: 77 })
      const answer = unframed(encodeResponse(response, version, 77, {}))
      assert.equal(hex(answer), hex(responseHeader, encodeToBytes(response, version, {})), `${name} v${version}`)

      const { body, ...decoded } = decodeRequestHeader(frame)
      assert.deepEqual(decoded, { apiKey: request.key, apiVersion: version, correlationId: 77, clientId: 'mé' })
      assert.equal(body.position, requestHeader.length)
      assert.equal(decodeResponse(response, version, answer).correlationId, 77)
    }
  }
})

test('a request comes through', () => {
  const value = goldenValue(FetchRequest, 17, 'full')
  const frame = unframed(encodeRequest(FetchRequest, 17, { correlationId: -5, clientId: null }, value))
  const { body, ...header } = decodeRequestHeader(frame)
  assert.deepEqual(header, { apiKey: 1, apiVersion: 17, correlationId: -5, clientId: null })
  assert.deepEqual(plain(decode(FetchRequest, 17, body)), plain(value))
  assert.equal(body.remaining, 0)
})

test('the frame counts the records that are not in its first chunk', () => {
  const records = Buffer.alloc(100_000, 7)
  const chunks = encodeResponse(FetchResponse, 16, 1, { responses: [{ partitions: [{ records }, { records }] }] })
  assert.equal(chunks.filter(chunk => chunk === records).length, 2)
  const { body } = decodeResponse(FetchResponse, 16, unframed(chunks))
  assert.deepEqual(
    body.responses[0]!.partitions.map(partition => partition.records!.length),
    [100_000, 100_000],
  )
})

test('the response to ApiVersions has the old header whatever its version', () => {
  const answer = unframed(encodeResponse(ApiVersionsResponse, 4, 9, {}))
  assert.equal(hex(answer), hex(Buffer.from([0, 0, 0, 9]), encodeToBytes(ApiVersionsResponse, 4, {})))
})

test('an API that is never flexible keeps the old headers', () => {
  const frame = unframed(encodeRequest(SaslHandshakeRequest, 1, { correlationId: 1, clientId: '' }, {}))
  assert.equal(decodeRequestHeader(frame).body.position, 10)
  assert.equal(unframed(encodeResponse(SaslHandshakeResponse, 1, 1, {})).length, 4 + 2 + 4)
})

test('tags in a header are passed over', () => {
  const withTags = Buffer.from(
    '0012' + '0003' + '00000001' + '0001' + '61' + '01' + '07' + '02' + 'aabb' + '0101' + '00',
    'hex',
  )
  const { clientId, body } = decodeRequestHeader(withTags)
  assert.equal(clientId, 'a')
  assert.equal(decode(ApiVersionsRequest, 3, body).clientSoftwareName, '')
})

test('the header of an unknown API is read as the old one', () => {
  const { apiKey, body } = decodeRequestHeader(Buffer.from('03e7' + '0063' + '00000001' + 'ffff' + 'aa', 'hex'))
  assert.equal(apiKey, 999)
  assert.equal(body.position, 10)
})

test('a broken header is a coded error that says so', () => {
  const whole = unframed(encodeRequest(MetadataRequest, 12, { correlationId: 1, clientId: 'client' }, {}))
  const headerBytes = decodeRequestHeader(whole).body.position
  for (let length = 0; length < headerBytes; length++) {
    assert.throws(() => decodeRequestHeader(whole.subarray(0, length)), {
      code: 'ERR_TRUNCATED',
      message: /^RequestHeader: \d+ bytes are due at byte \d+, \d+ are there$/,
    })
  }
  const noClient = Buffer.from('0001' + '0011' + '00000001' + '7fff' + '61', 'hex')
  assert.throws(() => decodeRequestHeader(noClient), { code: 'ERR_TRUNCATED' })
  const endlessTags = Buffer.from('0001' + '0011' + '00000001' + 'ffff' + 'ffffffff0f', 'hex')
  assert.throws(() => decodeRequestHeader(endlessTags), ProtocolError)
})

test('a response that does not end where its frame does is refused', () => {
  const answer = unframed(encodeResponse(FetchResponse, 12, 1, {}))
  const tooLong = Buffer.concat([answer, Buffer.from([0])])
  assert.throws(() => decodeResponse(FetchResponse, 12, tooLong), {
    message: 'FetchResponse v12: 1 bytes follow its end',
  })
  assert.throws(() => decodeResponse(FetchResponse, 12, answer.subarray(0, 3)), { message: /^ResponseHeader: / })
  assert.equal(new Reader(answer).int32(), 1)
})
