/**
 * Holds every schema against Kafka's own definitions, field by field and both ways, where a folder with them is there:
 * `../shared/kafka-messages` beside the repository, or OTTLA_KAFKA_MESSAGES.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import {
  array,
  bool,
  type Field,
  int32,
  type Message,
  message,
  parseVersions,
  type Shape,
  string,
  type VersionRange,
} from './schema.ts'
import { allSchemas } from './testing/all-schemas.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const FOLDER = process.env.OTTLA_KAFKA_MESSAGES ?? join(dirname(ROOT), 'shared', 'kafka-messages')
const skip = existsSync(FOLDER) ? false : `no definitions at ${FOLDER}`

interface JsonField {
  readonly name: string
  readonly type: string
  readonly versions?: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean
  readonly ignorable?: boolean | string
  readonly flexibleVersions?: string
  readonly fields?: readonly JsonField[]
}

interface JsonMessage {
  readonly name: string
  readonly apiKey?: number
  readonly validVersions: string
  readonly flexibleVersions?: string
  readonly listeners?: readonly string[]
  readonly latestVersionUnstable?: boolean
  readonly fields?: readonly JsonField[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly JsonField[] }[]
}

/** Fields whose values need all 64 bits: int64 there, rawInt64 here. */
const RAW = new Set([
  'FetchRequest.topics.partitions.highWatermark',
  'ListOffsetsRequest.topics.partitions.timestamp',
  'ConsumerGroupMetadataValue.metadataHash',
  'ShareGroupMetadataValue.metadataHash',
  'StreamsGroupMetadataValue.metadataHash',
])
const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

function readDefinition(path: string): JsonMessage {
  const text = readFileSync(path, 'utf8')
  return JSON.parse(
    text
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/^\s*\/\/.*$/gm, '')
      .replace(/,\s*\/\/[^"\n]*$/gm, ','),
  )
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** The part of `range` that messages of `valid` versions can have. */
function within(range: VersionRange, valid: VersionRange): string {
  const [min, max] = [Math.max(range.min, valid.min), Math.min(range.max, valid.max)]
  return min > max ? 'none' : `${min}-${max}`
}

class Comparison {
  readonly problems: string[] = []
  readonly #json: JsonMessage
  readonly #valid: VersionRange

  constructor(json: JsonMessage) {
    this.#json = json
    this.#valid = parseVersions(json.validVersions)
  }

  message(schema: Message): void {
    const { name, apiKey = -1, flexibleVersions = 'none', listeners = [], latestVersionUnstable = false } = this.#json
    this.#same(name, 'key', schema.key, apiKey)
    this.#same(name, 'versions', within(schema.versions, schema.versions), within(this.#valid, this.#valid))
    this.#same(
      name,
      'flexible',
      within(schema.flexible, this.#valid),
      within(parseVersions(flexibleVersions), this.#valid),
    )
    this.#same(name, 'listeners', schema.listeners.join(), listeners.join())
    this.#same(name, 'latestVersionUnstable', schema.latestVersionUnstable, latestVersionUnstable)
    this.shape(schema.fields, this.#json.fields ?? [], name)
  }

  shape(shape: Shape, fields: readonly JsonField[], path: string): void {
    this.#same(path, 'fields', Object.keys(shape).join(), fields.map(field => lowerFirst(field.name)).join())
    for (const json of fields) {
      const field = shape[lowerFirst(json.name)]
      if (field) this.field(field, json, `${path}.${lowerFirst(json.name)}`)
    }
  }

  field(field: Field, json: JsonField, path: string): void {
    const none = parseVersions('none')
    const ranges = (text: string | undefined) => (text ? parseVersions(text) : none)
    this.#same(
      path,
      'versions',
      within(field.versions, this.#valid),
      within(ranges(json.versions ?? json.taggedVersions ?? '0+'), this.#valid),
    )
    this.#same(
      path,
      'nullable',
      within(field.nullable, this.#valid),
      within(ranges(json.nullableVersions), this.#valid),
    )
    this.#same(path, 'tagged', within(field.tagged, this.#valid), within(ranges(json.taggedVersions), this.#valid))
    this.#same(path, 'tag', field.tag, json.tag ?? -1)
    this.#same(path, 'ignorable', field.ignorable, String(json.ignorable) === 'true')
    this.#same(
      path,
      'flexible',
      field.flexible && within(field.flexible, this.#valid),
      json.flexibleVersions ? within(ranges(json.flexibleVersions), this.#valid) : null,
    )
    this.#same(path, 'default', String(field.defaultValue), this.#defaultOf(json, path))
    this.#type(field, json.type, json.fields, path)
  }

  #type(field: Field, type: string, fields: readonly JsonField[] | undefined, path: string): void {
    if (type.startsWith('[]')) {
      this.#same(path, 'kind', field.kind, 'array')
      if (field.element) this.#type(field.element, type.slice(2), fields, path)
    } else if (/^[A-Z]/.test(type)) {
      this.#same(path, 'kind', field.kind, 'struct')
      const common = this.#json.commonStructs?.find(struct => struct.name === type)
      if (field.fields) this.shape(field.fields, fields ?? common!.fields, path)
    } else this.#same(path, 'kind', field.kind, RAW.has(path) ? 'rawInt64' : type)
  }

  #defaultOf(json: JsonField, path: string): string {
    const value = json.default
    if (value === 'null') return 'null'
    if (json.type.startsWith('[]') || /^[A-Z]/.test(json.type)) return 'undefined'
    if (json.type === 'uuid') return ZERO_UUID
    if (json.type === 'bytes' || json.type === 'records' || json.type === 'string')
      return value === undefined ? '' : String(value)
    if (json.type === 'bool') return String(value ?? false)
    return RAW.has(path) ? String(BigInt((value as string | undefined) ?? 0)) : String(Number(value ?? 0))
  }

  #same(path: string, what: string, ours: unknown, theirs: unknown): void {
    if (ours !== theirs) this.problems.push(`${path}: ${what} is ${ours}, Kafka's is ${theirs}`)
  }
}

test('the schemas are those of Kafka, all of them and no others', { skip }, async () => {
  const schemas = await allSchemas()
  const problems: string[] = []
  const seen = new Set<string>()
  for (const file of globSync('*/*.json', { cwd: FOLDER })) {
    const json = readDefinition(join(FOLDER, file))
    if (json.validVersions === 'none') continue
    seen.add(json.name)
    const schema = schemas.get(json.name)
    if (!schema) {
      problems.push(`${json.name} is missing`)
      continue
    }
    const comparison = new Comparison(json)
    comparison.message(schema)
    problems.push(...comparison.problems)
  }
  for (const name of schemas.keys()) if (!seen.has(name)) problems.push(`${name} is not Kafka's`)
  assert.equal(problems.length, 0, `\n${problems.join('\n')}`)
  assert.ok(seen.size > 270, `only ${seen.size} definitions were found`)
})

test('the comparison notices each kind of difference', () => {
  const schema = message(
    'TestRequest',
    { key: 1, versions: '2-4', flexible: '3+', listeners: ['broker'] },
    {
      name: string('2+', null, { nullable: '3+', ignorable: true }),
      items: array({ id: int32('2+', -1), tagged: bool('3+', true, { tag: 0 }) }),
    },
  )
  const tagged = { name: 'Tagged', type: 'bool', versions: '3+', taggedVersions: '3+', tag: 0, default: 'true' }
  const id = { name: 'Id', type: 'int32', versions: '2+', default: '-1' }
  const items = { name: 'Items', type: '[]Item', versions: '2+', fields: [id, tagged] }
  const name = {
    name: 'Name',
    type: 'string',
    versions: '2+',
    nullableVersions: '3+',
    ignorable: true,
    default: 'null',
  }
  const json: JsonMessage = {
    name: 'TestRequest',
    apiKey: 1,
    validVersions: '2-4',
    flexibleVersions: '3+',
    listeners: ['broker'],
    fields: [name, items],
  }
  const problems = (changed: JsonMessage) => {
    const comparison = new Comparison(changed)
    comparison.message(schema)
    return comparison.problems
  }
  assert.deepEqual(problems(json), [])
  const changes: JsonMessage[] = [
    { ...json, apiKey: 2 },
    { ...json, validVersions: '2-5' },
    { ...json, flexibleVersions: '4+' },
    { ...json, flexibleVersions: 'none' },
    { ...json, listeners: ['broker', 'controller'] },
    { ...json, latestVersionUnstable: true },
    { ...json, fields: [items, name] },
    { ...json, fields: [name] },
    { ...json, fields: [name, items, { ...id, name: 'More' }] },
    ...[{ type: 'bytes' }, { versions: '3+' }, { nullableVersions: '2+' }, { ignorable: false }, { default: '' }].map(
      change => ({ ...json, fields: [{ ...name, ...change }, items] }),
    ),
    ...[{ type: 'int64' }, { default: '0' }, { name: 'Identity' }, { flexibleVersions: 'none' }].map(change => ({
      ...json,
      fields: [name, { ...items, fields: [{ ...id, ...change }, tagged] }],
    })),
    ...[{ tag: 1 }, { taggedVersions: '4+' }, { default: 'false' }].map(change => ({
      ...json,
      fields: [name, { ...items, fields: [id, { ...tagged, ...change }] }],
    })),
  ]
  for (const changed of changes) assert.equal(problems(changed).length > 0, true, JSON.stringify(changed))
})
