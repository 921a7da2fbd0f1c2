import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestMemory } from './request-memory.ts'

test('grants while anything is left, then makes wait, in order', () => {
  const memory = new RequestMemory(100)
  const granted: string[] = []
  assert.equal(memory.take(60, assert.fail), true)
  assert.equal(memory.take(60, assert.fail), true, 'something was left')
  assert.equal(memory.usedBytes, 120)
  assert.equal(
    memory.take(10, () => granted.push('a')),
    false,
  )
  assert.equal(
    memory.take(10, () => granted.push('b')),
    false,
  )
  memory.release(10)
  assert.deepEqual(granted, [], 'still over the bound')
  memory.release(50)
  assert.deepEqual(granted, ['a', 'b'])
  assert.equal(memory.usedBytes, 80)
})

test('nobody overtakes those who wait', () => {
  const memory = new RequestMemory(10)
  const granted: string[] = []
  memory.take(10, assert.fail)
  memory.take(500, () => granted.push('large'))
  memory.take(1, () => granted.push('small'))
  memory.release(10)
  assert.deepEqual(granted, ['large'])
  memory.take(1, () => granted.push('late'))
  memory.release(500)
  assert.deepEqual(granted, ['large', 'small', 'late'])
})

test('a frame larger than the whole memory is granted alone', () => {
  const memory = new RequestMemory(10)
  assert.equal(memory.take(1000, assert.fail), true)
  memory.release(1000)
  assert.equal(memory.usedBytes, 0)
})

test('who has gone is passed over and leaves nothing behind', () => {
  const memory = new RequestMemory(10)
  memory.take(10, assert.fail)
  const granted: number[] = []
  for (let i = 0; i < 1000; i++) {
    const callback = (): void => {
      granted.push(i)
    }
    memory.take(10, callback)
    if (i !== 500) memory.cancel(callback)
  }
  assert.equal(memory.waitingCount, 1)
  memory.release(10)
  assert.deepEqual(granted, [500])
  assert.equal(memory.waitingCount, 0)
})

test('those who release as soon as they are granted do not grow the stack', () => {
  const memory = new RequestMemory(1)
  memory.take(1, assert.fail)
  let granted = 0
  for (let i = 0; i < 100_000; i++) {
    memory.take(1, () => {
      granted++
      memory.release(1)
    })
  }
  memory.release(1)
  assert.equal(granted, 100_000)
  assert.equal(memory.usedBytes, 0)
})
