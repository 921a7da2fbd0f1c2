/**
 * Writes `packages/protocol/messages/*.ts` and `logrecords/*.ts` from a folder of Kafka's JSON message definitions:
 *
 *     node scripts/import-schemas.ts FOLDER
 *
 * A start for a new Kafka release, not a build step: the files it writes are edited afterwards (comments, common
 * structs, int64 that need all 64 bits), and `schema-drift.test.ts` holds them against the JSON.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

interface JsonField {
  name: string
  type: string
  versions?: string
  nullableVersions?: string
  taggedVersions?: string
  tag?: number
  default?: string | number | boolean
  ignorable?: boolean
  flexibleVersions?: string
  fields?: JsonField[]
}

interface JsonMessage {
  name: string
  apiKey?: number
  type: string
  listeners?: string[]
  validVersions: string
  flexibleVersions?: string
  latestVersionUnstable?: boolean
  fields?: JsonField[]
  commonStructs?: { name: string; fields: JsonField[] }[]
}

const PROTOCOL = join(dirname(import.meta.dirname), 'packages', 'protocol')
const LOG_RECORDS: Record<string, string> = {
  metadata: 'cluster-metadata',
  'group-coordinator': 'consumer-offsets',
  'transaction-coordinator': 'transaction-state',
  'share-coordinator': 'share-group-state',
}
const CONTROL = /^(EndTxnMarker|LeaderChange|SnapshotHeader|SnapshotFooter|KRaftVersion|Voters|ControlRecordType)/
const NEEDS_64_BITS = new Set(['FetchRequest.highWatermark', 'ListOffsetsRequest.timestamp'])

export function parseDefinition(text: string): JsonMessage {
  return JSON.parse(
    text
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/^\s*\/\/.*$/gm, '')
      .replace(/,\s*\/\/[^"\n]*$/gm, ','),
  )
}

function fileOf(folder: string, name: string): string {
  if (folder === 'clients') {
    if (/(Request|Response)$/.test(name)) return `messages/${kebab(name.replace(/(Request|Response)$/, ''))}.ts`
    if (/Header$/.test(name)) return 'messages/headers.ts'
    if (CONTROL.test(name)) return 'logrecords/control.ts'
    return `messages/${kebab(name.replace(/^Default|Data$|Assignment$|Subscription$/g, ''))}.ts`
  }
  if (folder === 'storage')
    return name.startsWith('Remote') ? 'logrecords/remote-log-metadata.ts' : 'logrecords/files.ts'
  if (folder === 'raft') return 'logrecords/files.ts'
  if (folder === 'streams') return 'messages/streams-protocol.ts'
  return `logrecords/${LOG_RECORDS[folder]}.ts`
}

function kebab(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
}

function camel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

class FileWriter {
  readonly used = new Set<string>(['message', 'type Of'])
  readonly commons = new Map<string, string>()
  /** The current message's common structs: two messages of one file may use one name for different things. */
  readonly renamed = new Map<string, string>()
  readonly messages: string[] = []

  add(definition: JsonMessage): void {
    this.renamed.clear()
    for (const common of inOrder(definition.commonStructs ?? [])) {
      const shape = this.shape(common.fields, '0+', definition.name)
      const taken = this.commons.get(common.name)
      const name = taken === undefined || taken === shape ? common.name : `${definition.name}${common.name}`
      this.renamed.set(common.name, name)
      this.commons.set(name, shape)
    }
    const options = [
      definition.apiKey === undefined ? '' : `key: ${definition.apiKey}`,
      `versions: '${definition.validVersions}'`,
      `flexible: '${definition.flexibleVersions ?? 'none'}'`,
      definition.listeners ? `listeners: [${definition.listeners.map(l => `'${l}'`).join(', ')}]` : '',
      definition.latestVersionUnstable ? 'latestVersionUnstable: true' : '',
    ]
    const { name } = definition
    const head = `export const ${name} = message('${name}', { ${options.filter(Boolean).join(', ')} }, `
    this.messages.push(`${head}${this.shape(definition.fields ?? [], definition.validVersions, name)})`)
    this.messages.push(`export type ${name} = Of<typeof ${name}>`)
  }

  shape(fields: JsonField[], parent: string, path: string): string {
    return `{\n${fields.map(f => `${camel(f.name)}: ${this.field(f, parent, path)},`).join('\n')}\n}`
  }

  field(f: JsonField, parent: string, path: string): string {
    const versions = f.versions ?? f.taggedVersions ?? parent
    const options = this.options(f, versions)
    if (f.type.startsWith('[]')) {
      const element = f.type.slice(2)
      const inner = f.fields ? this.shape(f.fields, versions, path) : this.element(element)
      return this.call('array', [inner, `'${versions}'`, options])
    }
    if (/^[A-Z]/.test(f.type)) {
      const inner = f.fields ? this.shape(f.fields, versions, path) : this.renamed.get(f.type)!
      return this.call('struct', [inner, `'${versions}'`, options])
    }
    const raw = NEEDS_64_BITS.has(`${path}.${camel(f.name)}`)
    const type = raw ? 'rawInt64' : f.type
    if (type === 'uuid') return this.call('uuid', [`'${versions}'`, options])
    return this.call(type, [`'${versions}'`, this.defaultOf(f, type), options])
  }

  element(type: string): string {
    return /^[A-Z]/.test(type) ? this.renamed.get(type)! : this.call(type, [])
  }

  call(name: string, args: string[]): string {
    this.used.add(name)
    const missing =
      name === 'string' ? "''" : name === 'bool' ? 'false' : name === 'bytes' || name === 'records' ? 'undefined' : '0'
    const plain = args.slice()
    const versionsAt = name === 'array' || name === 'struct' ? 1 : 0
    while (plain.at(-1) === '' || (plain.length - 1 === versionsAt && plain.at(-1) === "'0+'")) plain.pop()
    return `${name}(${plain.map(a => a || missing).join(', ')})`
  }

  defaultOf(f: JsonField, type: string): string {
    const value = f.default
    if (value === undefined || value === '') return ''
    if (value === 'null') return 'null'
    if (type === 'string') return `'${value}'`
    if (type === 'rawInt64') return `${value}n`
    if (type === 'bool') return String(value) === 'false' ? '' : String(value)
    return Number(value) === 0 ? '' : String(value)
  }

  options(f: JsonField, versions: string): string {
    const parts: string[] = []
    if (f.nullableVersions) parts.push(`nullable: '${f.nullableVersions}'`)
    if ((f.type.startsWith('[]') || /^[A-Z]/.test(f.type)) && f.default === 'null') parts.push('defaultNull: true')
    if (f.tag !== undefined) parts.push(`tag: ${f.tag}`)
    if (f.tag !== undefined && f.taggedVersions !== versions) parts.push(`tagged: '${f.taggedVersions}'`)
    if (String(f.ignorable) === 'true') parts.push('ignorable: true')
    if (f.flexibleVersions) parts.push(`flexible: '${f.flexibleVersions}'`)
    return parts.length > 0 ? `{ ${parts.join(', ')} }` : ''
  }

  text(): string {
    const imports = `import { ${[...this.used].sort().join(', ')} } from '../schema.ts'`
    const commons = [...this.commons].map(([name, shape]) => `const ${name} = ${shape}`)
    return [imports, ...commons, ...this.messages].join('\n\n').concat('\n')
  }
}

/** Common structs, each after those it uses. */
function inOrder<T extends { name: string; fields: JsonField[] }>(structs: T[]): T[] {
  const uses = (s: T, name: string) =>
    JSON.stringify(s.fields).includes(`"type":"[]${name}"`) || JSON.stringify(s.fields).includes(`"type":"${name}"`)
  const done: T[] = []
  const visit = (s: T) => {
    if (done.includes(s)) return
    for (const other of structs) if (other !== s && uses(s, other.name)) visit(other)
    done.push(s)
  }
  structs.forEach(visit)
  return done
}

function main(source: string): void {
  const files = new Map<string, FileWriter>()
  for (const path of globSync('*/*.json', { cwd: source }).sort()) {
    const definition = parseDefinition(readFileSync(join(source, path), 'utf8'))
    if (definition.validVersions === 'none') continue
    const file = fileOf(dirname(path), basename(path, '.json'))
    if (!files.has(file)) files.set(file, new FileWriter())
    files.get(file)!.add(definition)
  }
  for (const [file, writer] of files) {
    mkdirSync(dirname(join(PROTOCOL, file)), { recursive: true })
    writeFileSync(join(PROTOCOL, file), writer.text())
  }
  console.log(`${files.size} files written`)
}

if (import.meta.main) {
  const folder = process.argv[2]
  if (!folder) {
    console.error('usage: node scripts/import-schemas.ts FOLDER')
    process.exit(2)
  }
  main(folder)
}
