/** Internal topics: asked for once, told of for a while, never more in memory than there is room for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io'
import { ErrorCode } from '@ottla/protocol'
import type { CreateTopicsRequest } from '@ottla/protocol/messages/create-topics'
import { StreamsTopics } from './streams-topics.ts'

const FAILURE_MS = 10_000

function topic(name: string) {
  return { name, numPartitions: 2, replicationFactor: -1, configs: [{ name: 'cleanup.policy', value: 'compact' }] }
}

/** A controller that answers when the test says so. */
class Controller {
  readonly requests: CreateTopicsRequest[] = []
  #answers: {
    readonly resolve: (errorCode: number, message?: string) => void
    readonly reject: (error: Error) => void
  }[] = []

  readonly create = (request: CreateTopicsRequest) => {
    this.requests.push(request)
    const { promise, resolve, reject } = Promise.withResolvers<{
      topics: { name: string; errorCode: number; errorMessage: string | null }[]
    }>()
    this.#answers.push({
      resolve: (errorCode, message) =>
        resolve({ topics: request.topics.map(({ name }) => ({ name, errorCode, errorMessage: message ?? null })) }),
      reject,
    })
    return promise
  }

  async answer(errorCode: number, message?: string): Promise<void> {
    this.#answers.shift()!.resolve(errorCode, message)
    await settled()
  }

  async fail(error: Error): Promise<void> {
    this.#answers.shift()!.reject(error)
    await settled()
  }
}

/** What hangs on a promise has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

test('what is under way is not asked for again', async () => {
  const world = memoryWorld()
  const controller = new Controller()
  const topics = new StreamsTopics(controller.create, world.clock, world.logger)
  topics.create([topic('a'), topic('b')], FAILURE_MS)
  topics.create([topic('b'), topic('c')], FAILURE_MS)
  assert.deepEqual(
    controller.requests.map(request => request.topics.map(({ name }) => name)),
    [['a', 'b'], ['c']],
  )
  assert.deepEqual(controller.requests[0]!.topics[0], { ...topic('a'), assignments: [] })
  await controller.answer(ErrorCode.NONE)
  await controller.answer(ErrorCode.TOPIC_ALREADY_EXISTS)
  assert.deepEqual(topics.failuresOf([topic('a'), topic('c')]), [])
  topics.create([topic('a')], FAILURE_MS)
  assert.equal(controller.requests.length, 3)
})

test('what went wrong is told for a while, and then tried again', async () => {
  const world = memoryWorld()
  const controller = new Controller()
  const topics = new StreamsTopics(controller.create, world.clock, world.logger)
  topics.create([topic('a')], FAILURE_MS)
  await controller.answer(ErrorCode.INVALID_CONFIG, 'no such config')
  topics.create([topic('b')], FAILURE_MS)
  await controller.fail(new Error('no controller'))
  topics.create([topic('c')], FAILURE_MS)
  await controller.answer(ErrorCode.POLICY_VIOLATION)
  const all = ['a', 'b', 'c', 'd'].map(topic)
  assert.deepEqual(topics.failuresOf(all), ['a (no such config)', 'b (no controller)', 'c (POLICY_VIOLATION)'])
  topics.create(all.slice(0, 3), FAILURE_MS)
  assert.equal(controller.requests.length, 3)
  await world.advance(FAILURE_MS)
  assert.deepEqual(topics.failuresOf(all), [])
  topics.create(all, FAILURE_MS)
  assert.equal(controller.requests.length, 4)
})

test('only so many failures are kept', async () => {
  const world = memoryWorld()
  const controller = new Controller()
  const topics = new StreamsTopics(controller.create, world.clock, world.logger)
  const many = Array.from({ length: 1500 }, (_, i) => topic(`t${i}`))
  topics.create(many, FAILURE_MS)
  await controller.answer(ErrorCode.INVALID_CONFIG)
  const told = topics.failuresOf(many)
  assert.equal(told.length, 1000)
  assert.equal(told.at(-1), 't1499 (INVALID_CONFIG)')
})
