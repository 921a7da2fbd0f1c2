/** Every schema there is, by name: for tests and tools. Loads all message files, which nothing that serves requests should. */
import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Message } from '../schema.ts'

export async function allSchemas(): Promise<Map<string, Message>> {
  const schemas = new Map<string, Message>()
  const files = globSync('{messages,logrecords}/*.ts', { cwd: dirname(import.meta.dirname) })
  for (const file of files.filter(name => !name.endsWith('.test.ts')).sort()) {
    const module: Record<string, unknown> = await import(`../${file}`)
    for (const [name, value] of Object.entries(module)) if (isMessage(value)) schemas.set(name, value)
  }
  return schemas
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'flexible' in value && 'fields' in value
}
