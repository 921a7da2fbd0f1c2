/**
 * A host without Node: no Buffer, no process, no `node:*` module, and `#compression-host` resolved as a bundler does. In a
 * process of its own, as the modules of this one have already made their choice.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const PACKAGE = pathToFileURL(join(import.meta.dirname, '..', '/')).href

const PROGRAM = `
import { readdirSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
const folder = new URL('fixtures/records/', '${PACKAGE}')
const expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8'))
const files = readdirSync(folder).filter(name => name.endsWith('.bin'))
const bytes = new Map(files.map(name => [name.slice(0, -4), new Uint8Array(readFileSync(new URL(name, folder)))]))
const print = console.log.bind(console)
const load = name => import(new URL(name, '${PACKAGE}'))
registerHooks({
  resolve(name, context, next) {
    if (!context.parentURL?.startsWith('${PACKAGE}')) return next(name, context)
    if (name === '#compression-host') return next(new URL('compression/pure.ts', '${PACKAGE}').href, context)
    if (name.startsWith('node:')) throw new Error('a browser has no ' + name)
    return next(name, context)
  },
})
// Gone before the package is loaded: modules look when they are.
delete globalThis.Buffer
delete globalThis.process
const { CODECS, batches, decodeRecords, encodeBatch, verifyBatch } = await load('records/index.ts')
const { decodeControlRecord } = await load('records/control.ts')
let records = 0
for (const [name, cases] of Object.entries(expected)) {
  if (!Array.isArray(cases)) continue
  for (const [i, batch] of [...batches(bytes.get(name))].entries()) {
    const read = decodeRecords(bytes.get(name), verifyBatch(bytes.get(name), batch.position))
    const headers = record => JSON.stringify(record.headers.map(header => header.key))
    const expectedHeaders = row => JSON.stringify(row[5].filter((_, i) => i % 2 === 0))
    if (read.length !== cases[i].records.length) throw new Error(name)
    if (read.some((record, r) => headers(record) !== expectedHeaders(cases[i].records[r]))) throw new Error(name)
    if (batch.isControl) decodeControlRecord(read[0])
    records += read.length
  }
}
for (const codec of CODECS) {
  const batch = encodeBatch([{ value: new Uint8Array(100_000), headers: [{ key: 'ж', value: null }] }], { codec })
  if (decodeRecords(batch, verifyBatch(batch))[0].value.length !== 100_000) throw new Error(codec)
}
print(records)
`

test('everything that Kafka wrote is read without Node', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.ok(Number(stdout) > 500, stdout)
})
