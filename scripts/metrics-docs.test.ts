import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { metricsPage, PAGE } from './metrics-docs.ts'

test('docs/metrics.md is what the catalog says: node scripts/metrics-docs.ts', () => {
  assert.equal(readFileSync(PAGE, 'utf8'), metricsPage())
})
