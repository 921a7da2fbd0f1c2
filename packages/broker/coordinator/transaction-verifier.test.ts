/** Who is asked before a transaction's first batch is appended, what is made of the answer, and how long one waits for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io'
import { type PartitionLog, VerificationGuard } from '@ottla/log'
import { ErrorCode, errorName } from '@ottla/protocol'
import { developerDefaults, loadConfig, resolveBrokerConfig } from '../config/index.ts'
import { ApiError } from '../errors.ts'
import { TransactionVerifier, type VerifiedPartition } from './transaction-verifier.ts'

const WRITER = { transactionalId: 'tx', producerId: 7, producerEpoch: 1 }

function bench(set: readonly string[] = []) {
  const world = memoryWorld()
  const config = resolveBrokerConfig(
    loadConfig({ defaults: developerDefaults({ dataDir: '/data' }), set: [...set] }).raw,
  )
  const asked: string[] = []
  const answers: number[] = []
  const verifier = new TransactionVerifier({
    clock: world.clock,
    config: () => config,
    metricsWindows: { count: 2, lengthMs: 30_000 },
    ask: (_writer, partitions, adds) => {
      asked.push(`${adds ? 'add' : 'verify'} ${[...partitions].map(([topic, ids]) => `${topic}-${[...ids]}`)}`)
      const code = answers.shift() ?? ErrorCode.NONE
      return Promise.resolve(() => code)
    },
  })
  return { world, asked, answers, verifier }
}

/** A partition whose log has the transaction open, or not, or can't be written to. */
function partition(id: number, state: 'open' | 'new' | 'lost' = 'new'): VerifiedPartition {
  const startVerification = () => (state === 'open' ? null : new VerificationGuard(7))
  const log = () => {
    if (state === 'lost') throw new ApiError('NOT_LEADER_OR_FOLLOWER', 'another node leads')
    return { startVerification } as unknown as PartitionLog
  }
  return { topic: 't', partition: id, baseSequence: 0, log }
}

test('the coordinator is asked only about partitions where nothing is open', async () => {
  const { asked, verifier } = bench()
  const now = verifier.verify(WRITER, [partition(0, 'open'), partition(1, 'lost')], 'adds')
  assert.ok(!(now instanceof Promise), 'nobody has to be asked')
  assert.deepEqual(
    now.map(({ guard, errorCode }) => [guard, errorName(errorCode)]),
    [
      [null, 'NONE'],
      [null, 'NOT_LEADER_OR_FOLLOWER'],
    ],
  )
  const [open, fresh] = await verifier.verify(WRITER, [partition(0, 'open'), partition(1), partition(2)], 'adds')
  assert.equal(open!.guard, null)
  assert.ok(fresh!.guard instanceof VerificationGuard)
  assert.deepEqual(asked, ['add t-1,2'])
})

test('an answer is put in the words that a producer of that version knows', async () => {
  const { asked, answers, verifier } = bench()
  const codeOf = async (code: number, support: 'legacy' | 'abortable' | 'adds') => {
    answers.push(code)
    const [verdict] = await verifier.verify(WRITER, [partition(0)], support)
    return errorName(verdict!.errorCode)
  }
  assert.equal(await codeOf(ErrorCode.TRANSACTION_ABORTABLE, 'legacy'), 'INVALID_TXN_STATE')
  assert.equal(await codeOf(ErrorCode.TRANSACTION_ABORTABLE, 'abortable'), 'TRANSACTION_ABORTABLE')
  assert.equal(await codeOf(ErrorCode.PRODUCER_FENCED, 'adds'), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await codeOf(ErrorCode.NOT_COORDINATOR, 'adds'), 'NOT_COORDINATOR')
  assert.deepEqual(asked, ['verify t-0', 'verify t-0', 'add t-0', 'add t-0'])
})

test('where nothing is to be verified, old clients are believed and new ones are not', async () => {
  const { asked, verifier } = bench(['transaction.partition.verification.enable=false'])
  assert.deepEqual(verifier.verify(WRITER, [partition(0)], 'legacy'), [{ guard: null, errorCode: 0 }])
  await verifier.verify(WRITER, [partition(0)], 'adds')
  assert.deepEqual(asked, ['add t-0'])
})

test('the end of the last transaction is waited for, but not for long', async () => {
  const { world, asked, answers, verifier } = bench()
  const patiently = async () => {
    const [verdict] = await verifier.verifyPatiently(WRITER, [partition(0)], 'adds')
    return errorName(verdict!.errorCode)
  }
  answers.push(ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.CONCURRENT_TRANSACTIONS)
  assert.equal(await world.time!.runUntil(patiently()), 'NONE')
  assert.deepEqual([asked.length, world.clock.monotonic()], [3, 40])
  answers.push(...Array.from({ length: 20 }, () => ErrorCode.CONCURRENT_TRANSACTIONS))
  assert.equal(await world.time!.runUntil(patiently()), 'CONCURRENT_TRANSACTIONS')
  assert.deepEqual([asked.length, world.clock.monotonic()], [9, 140])
})
