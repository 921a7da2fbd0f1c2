/** What is read out of the output of each kind of test runner. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEvents } from './go.ts'
import { readPytest } from './kafka-python.ts'
import { readTestRunner } from './librdkafka.ts'

test('events of Go: a test counts, and what is around it only if it fails by itself', () => {
  const event = (Action: string, Test?: string, Output?: string) => JSON.stringify({ Action, Test, Output })
  const events = [
    event('start'),
    event('run', 'TestA'),
    event('output', 'TestA', 'hello\n'),
    event('pass', 'TestA/one'),
    event('fail', 'TestA/two'),
    event('fail', 'TestA'),
    event('pass', 'TestB/one/deep'),
    event('pass', 'TestB/one'),
    event('fail', 'TestB'),
    event('skip', 'TestC'),
    event('fail'),
  ]
  let said = ''
  const outcomes = readEvents(events.join('\n'), text => {
    said += text
  })
  assert.equal(said, 'hello\n')
  assert.deepEqual([...outcomes].sort(), [
    ['TestA/one', 'passed'],
    ['TestA/two', 'failed'],
    ['TestB', 'failed'],
    ['TestB/one/deep', 'passed'],
    ['TestC', 'skipped'],
  ])
})

test('lines of pytest', () => {
  const text = `test/integration/test_a.py::test_one[None] PASSED                [  1%]
test/integration/test_a.py::TestB::test_two FAILED [ 50%]
test/integration/test_c.py::test_three SKIPPED (no broker: [ 0%] of it) [ 99%]
test/integration/test_c.py::test_four ERROR [100%]Done!
FAILED test/integration/test_a.py::TestB::test_two - AssertionError
`
  assert.deepEqual(
    [...readPytest(text)],
    [
      ['test_a.py::test_one[None]', 'passed'],
      ['test_a.py::TestB::test_two', 'failed'],
      ['test_c.py::test_three', 'skipped'],
      ['test_c.py::test_four', 'failed'],
    ],
  )
})

test("the table of librdkafka's tests, or that there is none", () => {
  const text = `\u001b[36m[0031_get_offsets / 0.000s] ================= Running test 0031_get_offsets =================
|\u001b[32m <MAIN>                                   |     PASSED |   0.200s \u001b[0m|
|\u001b[32m 0031_get_offsets                         |     PASSED |   0.121s \u001b[0m|
|\u001b[36m 0031_get_offsets_mock                    |    SKIPPED |   0.000s \u001b[0m| Filtered due to negative test flags
`
  assert.deepEqual([...readTestRunner('0031', text)], [['0031_get_offsets', 'passed']])
  assert.deepEqual([...readTestRunner('0031', text.split('\n')[0]!)], [['0031_get_offsets', 'failed']])
})
