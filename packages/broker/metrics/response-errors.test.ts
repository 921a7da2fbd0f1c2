import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { ErrorCounts, errorCounter } from './response-errors.ts'

function counted(counter: ReturnType<typeof errorCounter>, response: object): Record<string, number> {
  const counts = new ErrorCounts()
  counter(response, counts)
  return Object.fromEntries(counts.entries())
}

test('errors are counted at the top and at each partition; what was left out is none', () => {
  const responses = [{ partitions: [{ errorCode: 3 }, {}, { errorCode: 3 }] }, { partitions: [{ errorCode: 6 }] }]
  assert.deepEqual(counted(errorCounter(FetchResponse, 12), { responses }), { 0: 2, 3: 2, 6: 1 })
  // Before version 7 there is no place for one at the top.
  assert.deepEqual(counted(errorCounter(FetchResponse, 6), { responses }), { 0: 1, 3: 2, 6: 1 })
})

test('a place that a version does not have is not counted', () => {
  const coordinators = [{ errorCode: 15 }, {}]
  assert.deepEqual(counted(errorCounter(FindCoordinatorResponse, 4), { coordinators }), { 0: 1, 15: 1 })
  assert.deepEqual(counted(errorCounter(FindCoordinatorResponse, 3), { errorCode: 15 }), { 15: 1 })
  assert.deepEqual(counted(errorCounter(LeaveGroupResponse, 0), {}), { 0: 1 })
})
