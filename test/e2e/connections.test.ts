/** What changes for connections while the broker runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { inProcess } from './in-process.ts'

const alterApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const BROKER = 4

test('limits on connections that are set while the broker runs count from then on', async () => {
  await using open = await inProcess()
  const limit = async (value: string) => {
    const configs = [{ name: 'max.connections.per.ip', configOperation: 0, value }]
    const resources = [{ resourceType: BROKER, resourceName: '', configs }]
    const { responses } = await open.send(alterApi, { resources, validateOnly: false })
    assert.equal(responses[0]!.errorCode, 0)
  }
  const answers = async () => {
    const connection = await open.connect('late').catch(() => null)
    connection?.close()
    return connection !== null
  }
  assert.equal(await answers(), true)
  await limit('1')
  assert.equal(await answers(), false)
  await limit('9')
  assert.equal(await answers(), true)
})
