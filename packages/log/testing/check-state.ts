/** Compares all that can be asked of a log with what its model says. */
import assert from 'node:assert/strict'
import type { PartitionLog } from '../partition-log.ts'
import { checkRead, type LogModel } from './log-model.ts'

type Run = <T>(promise: Promise<T>) => Promise<T>

export async function checkState(model: LogModel, log: PartitionLog, run: Run): Promise<void> {
  await checkBatches(model, log, run)
  checkEpochs(model, log)
  checkProducers(model, log)
  await checkTransactions(model, log, run)
  await checkTimestamps(model, log, run)
}

async function checkBatches(model: LogModel, log: PartitionLog, run: Run): Promise<void> {
  const check = { maxBytes: 700, minOneBatch: true }
  let offset = log.logStartOffset
  while (offset < log.logEndOffset) {
    const result = await run(Promise.resolve(log.read(offset, check)))
    checkRead(model, offset, check, log.writtenEndOffset, result)
    if (result.nextOffset === offset) break
    offset = result.nextOffset
  }
  assert.ok(offset >= model.endOffset || offset === log.logEndOffset, `only offsets below ${offset} can be read`)
  // Straight to a place, by the index.
  for (const batch of model.batches) {
    if (batch.baseOffset < log.logStartOffset) continue
    const middle = Math.floor((batch.baseOffset + batch.lastOffset) / 2)
    const result = await run(Promise.resolve(log.read(middle, { maxBytes: 0, minOneBatch: true })))
    checkRead(model, middle, { maxBytes: 0, minOneBatch: true }, log.writtenEndOffset, result)
  }
}

function checkEpochs(model: LogModel, log: PartitionLog): void {
  for (const { baseOffset, leaderEpoch } of model.batches) {
    if (baseOffset < Math.max(log.logStartOffset, model.forgottenBelow)) continue
    assert.equal(log.epochForOffset(baseOffset), leaderEpoch, `epoch of offset ${baseOffset}`)
  }
  for (const { startOffset } of log.leaderEpochs) {
    assert.ok(startOffset <= log.logEndOffset, `an epoch begins at ${startOffset}, behind the end`)
  }
}

/** Those of whom nothing is left in the log may be forgotten: their snapshots may be lost. */
function checkProducers(model: LogModel, log: PartitionLog): void {
  const wanted = model.producers()
  const first = Math.max(log.segments[0]!.baseOffset, log.logStartOffset)
  const known = new Map(log.activeProducers().map(producer => [producer.producerId, producer]))
  for (const producer of known.values()) {
    const expected = wanted.get(producer.producerId)
    assert.ok(expected, `producer ${producer.producerId} never wrote to this log`)
    assert.equal(producer.producerEpoch, expected.producerEpoch)
    if (producer.lastSequence >= 0) assert.equal(producer.lastSequence + 1, expected.nextSequence)
    // Of a transaction whose begin is deleted, and its snapshot lost, what is left of it is all that there is.
    const start = producer.currentTxnStartOffset
    const isWhole = expected.transactionStart < 0 || expected.transactionStart >= first
    if (isWhole) assert.equal(start, expected.transactionStart, `transaction of ${producer.producerId}`)
  }
  for (const { producerId, lastOffset } of wanted.values()) {
    if (lastOffset >= Math.max(first, log.logStartOffset))
      assert.ok(known.has(producerId), `producer ${producerId} is forgotten`)
  }
  log.updateHighWatermark(log.logEndOffset)
  const open = [...known.values()].map(producer => producer.currentTxnStartOffset).filter(offset => offset >= 0)
  const stable = open.length > 0 ? Math.max(Math.min(...open), log.logStartOffset) : log.logEndOffset
  assert.equal(log.lastStableOffset, stable)
}

async function checkTransactions(model: LogModel, log: PartitionLog, run: Run): Promise<void> {
  const { logStartOffset, logEndOffset } = log
  const found = await run(Promise.resolve(log.abortedTransactions(logStartOffset, logEndOffset)))
  const first = Math.max(log.segments[0]!.baseOffset, logStartOffset)
  const wanted = model.aborted().filter(({ lastOffset }) => lastOffset >= logStartOffset)
  const isSame = (whole: number, seen: number): boolean => whole === seen || (whole < first && seen > whole)
  for (const { producerId, firstOffset } of found) {
    assert.ok(
      wanted.some(aborted => aborted.producerId === producerId && isSame(aborted.firstOffset, firstOffset)),
      `producer ${producerId} aborted no transaction at ${firstOffset}`,
    )
  }
  for (const { producerId, firstOffset, lastOffset } of wanted) {
    if (firstOffset < first) continue // as in checkProducers
    assert.ok(
      found.some(aborted => aborted.producerId === producerId && aborted.firstOffset === firstOffset),
      `the transaction ${firstOffset}..${lastOffset} of ${producerId} was aborted`,
    )
  }
}

async function checkTimestamps(model: LogModel, log: PartitionLog, run: Run): Promise<void> {
  const visible = model.batches.filter(({ lastOffset }) => lastOffset >= log.logStartOffset)
  const latest = Math.max(-1, ...visible.map(({ timestamp }) => timestamp))
  if (visible.length === 0) return
  for (const { timestamp } of visible.slice(0, 3)) {
    const expected = visible.find(batch => batch.timestamp >= timestamp)!
    const found = await run(log.offsetForTimestamp(timestamp))
    assert.equal(found?.offset, Math.max(expected.baseOffset, log.logStartOffset), `first of ${timestamp}`)
  }
  assert.equal(await run(log.offsetForTimestamp(latest + 1)), null)
}
