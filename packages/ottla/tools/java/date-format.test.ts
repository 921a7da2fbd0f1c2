import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dateFormat } from './date-format.ts'

const MS = new Date(2026, 10, 5, 0, 7, 9, 45).getTime()

/** As `new SimpleDateFormat(pattern).format(date)` has it. */
const FORMATS: Readonly<Record<string, string>> = {
  'yyyy-MM-dd HH:mm:ss:SSS': '2026-11-05 00:07:09:045',
  'yy.M.d h:m a': '26.11.5 12:7 AM',
  'EEE, EEEE, MMM, MMMM': 'Thu, Thursday, Nov, November',
  "'at' k 'o''clock'": "at 24 o'clock",
  'D F u K': '309 1 4 0',
}

for (const [pattern, text] of Object.entries(FORMATS)) test(pattern, () => assert.equal(dateFormat(pattern)(MS), text))

test('what is no pattern is told in the words of Java', () => {
  assert.throws(() => dateFormat('foo'), { message: "Illegal pattern character 'f'" })
  assert.throws(() => dateFormat("yyyy 'x"), { message: 'Unterminated quote' })
})
