/**
 * Prints the code that is generated for a message: `npm run codec -- Fetch 17`, the name of an API or of any schema. All
 * four functions of an API, or those whose name has a third argument in it: `npm run codec -- Fetch 17 FetchRequest.decode`.
 * Without a version it says which there are.
 */
import { decodeSource, encodeSource } from '../packages/protocol/codec-source.ts'
import { inRange, type Message } from '../packages/protocol/schema.ts'
import { allSchemas } from '../packages/protocol/testing/all-schemas.ts'

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

function find(schemas: ReadonlyMap<string, Message>, name: string): Message[] {
  const wanted = [name, `${name}Request`, `${name}Response`, `${name}Key`, `${name}Value`].map(n => n.toLowerCase())
  const found = [...schemas.values()].filter(schema => wanted.includes(schema.name.toLowerCase()))
  if (found.length > 0) return found
  const similar = [...schemas.keys()].filter(known => known.toLowerCase().includes(name.toLowerCase()))
  fail(
    `there is no schema '${name}'${similar.length > 0 ? `; did you mean one of these?\n  ${similar.join('\n  ')}` : ''}`,
  )
}

const [name, version, only = ''] = process.argv.slice(2)
if (!name) fail('usage: npm run codec -- NAME VERSION [PART]')
for (const schema of find(await allSchemas(), name)) {
  const { min, max } = schema.versions
  if (version === undefined) console.log(`${schema.name}: versions ${min} to ${max}`)
  else if (!inRange(schema.versions, Number(version))) fail(`${schema.name} has versions ${min} to ${max}`)
  else {
    for (const [direction, source] of [
      ['encode', encodeSource],
      ['decode', decodeSource],
    ] as const) {
      if (`${schema.name}.${direction}`.includes(only)) console.log(`${source(schema, Number(version))}\n`)
    }
  }
}
