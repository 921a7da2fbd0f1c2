/** The bytes that Kafka's own classes wrote: see fixtures/golden. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Message } from '../schema.ts'
import type { Variant } from './golden-values.ts'

const FILE = join(dirname(import.meta.dirname), 'fixtures/golden/golden.txt.gz')

export interface Golden {
  readonly schema: Message
  readonly version: number
  readonly variant: Variant
  readonly bytes: Buffer
  /** For messages of failed assertions. */
  readonly title: string
}

export function goldenBytes(schemas: ReadonlyMap<string, Message>): Golden[] {
  const lines = gunzipSync(readFileSync(FILE)).toString().trimEnd().split('\n')
  return lines.map(line => {
    const [name, version, variant, hex] = line.split(' ') as [string, string, Variant, string]
    return {
      schema: schemas.get(name)!,
      version: Number(version),
      variant,
      bytes: Buffer.from(hex === '.' ? '' : hex, 'hex'),
      title: `${name} v${version} ${variant}`,
    }
  })
}
