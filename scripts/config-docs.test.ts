import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configurationPage, PAGE } from './config-docs.ts'

test('docs/configuration.md is what the tables say: node scripts/config-docs.ts', () => {
  assert.equal(readFileSync(PAGE, 'utf8'), configurationPage())
})
