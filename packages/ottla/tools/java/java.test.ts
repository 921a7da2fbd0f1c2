import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '@ottla/client'
import { messageOf, textOf } from './errors.ts'
import { columns, doubleText, parseDateTime, parseDuration, prettyTable } from './format.ts'
import { partitionsInHashOrder, stringHash, stringsInHashOrder } from './hash-order.ts'

// Printed by Java 17.
test('hashes and their order are those of Java', () => {
  assert.equal(stringHash('hello'), 99162322)
  // As kafka-consumer-groups --list gave them.
  assert.deepEqual(stringsInHashOrder(['cg', 'foo', 'new', 'new2']), ['new', 'new2', 'cg', 'foo'])
  const five = [0, 1, 2, 3, 4].map(partition => ({ topic: 'aa.one', partition }))
  assert.deepEqual(
    partitionsInHashOrder(five).map(({ partition }) => partition),
    [2, 3, 4, 0, 1],
  )
})

test('doubles as Double.toString has them', () => {
  const texts = { '1': '1.0', '2048.5': '2048.5', '123456789': '1.23456789E8', '0.0001': '1.0E-4', '1e7': '1.0E7' }
  for (const [value, text] of Object.entries(texts)) assert.equal(doubleText(Number(value)), text)
})

test('dates are UTC unless they say otherwise; durations are ISO 8601', () => {
  assert.equal(parseDateTime('2000-01-01T00:00:00.000'), Date.UTC(2000, 0, 1))
  assert.equal(parseDateTime('2000-01-01T00:00:00.000+02'), Date.UTC(2000, 0, 1) - 7_200_000)
  for (const text of ['2000-01-01', '2000-01-01T00', 'soon']) assert.throws(() => parseDateTime(text))
  assert.equal(parseDuration('P1DT2H3M4.5S'), 93_784_500)
  assert.equal(parseDuration('-PT1M'), -60_000)
  for (const text of ['5', 'P', 'PT', '1h']) assert.throws(() => parseDuration(text))
})

test('columns are as wide as they were told, or as their cells', () => {
  assert.equal(columns([5, 3], ['a', 12, 'c']), 'a     12  c')
  assert.equal(prettyTable(['A', 'Long'], [['xyz', '1']]), 'A  \tLong\t\nxyz\t1   \t\n')
})

test('an error has its exception, and the words of the broker or of Kafka', () => {
  assert.equal(
    textOf(new KafkaError(3, 'here')).split(':')[0],
    'org.apache.kafka.common.errors.UnknownTopicOrPartitionException',
  )
  assert.equal(messageOf(new KafkaError(3, 'here', 'No such topic')), 'No such topic')
  assert.equal(messageOf(new KafkaError(36, 'here')), 'Topic with this name already exists.')
})
