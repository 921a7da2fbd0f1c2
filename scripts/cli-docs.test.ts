import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PAGE, page } from './cli-docs.ts'

test('docs/cli.md is what the declarations say', async () => {
  assert.equal(readFileSync(PAGE, 'utf8'), await page(), 'node scripts/cli-docs.ts writes it')
})
