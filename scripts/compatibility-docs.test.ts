import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compatibilityPage, PAGE } from './compatibility-docs.ts'

test('the tables of docs/compatibility.md are true: node scripts/compatibility-docs.ts', () => {
  const page = readFileSync(PAGE, 'utf8')
  assert.equal(page, compatibilityPage(page))
})
