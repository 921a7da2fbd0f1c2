/** What goes in and out of the group machine, as one line of text. */
import { encodeToBytes, errorName } from '@ottla/protocol'
import { ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import type { MemberProtocol } from '../classic/member.ts'
import type { ConsumerGroupRecord } from '../consumer/record-shapes.ts'
import { RecordType } from '../record-types.ts'
import type { GroupRecord } from '../records.ts'
import { isShareRecord, showShareRecord } from '../share/testing/show.ts'
import { isStreamsRecord, showStreamsRecord } from '../streams/testing/show.ts'

/** What a cooperative consumer says, of version 1: `t/0/1` are the partitions that it has. */
function owningSubscription(topics: string[], owned: string): Uint8Array {
  const ownedPartitions = owned
    .split(',')
    .filter(Boolean)
    .map(text => {
      const [topic = '', ...partitions] = text.split('/')
      return { topic, partitions: partitions.map(Number) }
    })
  const body = encodeToBytes(ConsumerProtocolSubscription, 1, { topics, ownedPartitions })
  return Uint8Array.from([0, 1, ...body])
}

/** `range:t1,t2` subscribes to two topics; `range:t1@t1/0/1` also says what it has; `range:0xff` says bytes that are no subscription. */
export function subscription(text: string): MemberProtocol {
  const [name = '', rest = ''] = text.split(':')
  const [topics = '', owned] = rest.split('@')
  if (owned !== undefined) return { name, metadata: owningSubscription(topics.split(','), owned) }
  if (topics.startsWith('0x')) return { name, metadata: fromHex(topics.slice(2)) }
  const body = encodeToBytes(ConsumerProtocolSubscription, 0, { topics: topics === '' ? [] : topics.split(',') })
  return { name, metadata: Uint8Array.from([0, 0, ...body]) }
}

/** `00ff`; `00*300` for three hundred zeros. */
export function fromHex(text: string): Uint8Array {
  const [hex = '', times = '1'] = text.split('*')
  return Uint8Array.from(Buffer.from(hex.repeat(Number(times)), 'hex'))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex') || '-'
}

export function showRecord(record: GroupRecord): string {
  if (record.type === RecordType.OFFSET_COMMIT) {
    const { key, value, version } = record
    const name = `log offset ${key.group} ${key.topic}-${key.partition}`
    if (!value) return `${name} none`
    const expires =
      value.expireTimestamp >= 0 ? ` v${version} expires=${value.expireTimestamp - value.commitTimestamp}` : ''
    return `${name} ${value.offset}${value.metadata && ` '${value.metadata}'`}${expires}`
  }
  if (isStreamsRecord(record)) return showStreamsRecord(record)
  if (isShareRecord(record)) return showShareRecord(record)
  if (record.type !== RecordType.GROUP_METADATA) return showConsumerRecord(record as ConsumerGroupRecord)
  const { key, value } = record
  if (!value) return `log group ${key.group} none`
  const members = value.members.map(({ memberId, assignment }) => `${memberId}:${hex(assignment)}`)
  return [
    `log group ${key.group} generation=${value.generation}`,
    ...(value.protocol ? [`protocol=${value.protocol}`] : []),
    ...(value.leader ? [`leader=${value.leader}`] : []),
    ...(members.length > 0 ? [`members=${members.join(',')}`] : []),
  ].join(' ')
}

/** `member a epoch=1`, by what the record is about; tombstones as `none`. */
function showConsumerRecord({ type, key, value }: ConsumerGroupRecord): string {
  const name = CONSUMER_RECORDS[type]
  const about = Object.values(key).join(' ')
  return `log ${name} ${about} ${value ? Object.entries(value).flatMap(showField).join(' ') : 'none'}`
}

const CONSUMER_RECORDS: Readonly<Record<ConsumerGroupRecord['type'], string>> = {
  [RecordType.CONSUMER_GROUP_METADATA]: 'epoch',
  [RecordType.CONSUMER_GROUP_PARTITION_METADATA]: 'old metadata',
  [RecordType.CONSUMER_GROUP_MEMBER_METADATA]: 'member',
  [RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA]: 'target epoch',
  [RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER]: 'target',
  [RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT]: 'current',
  [RecordType.CONSUMER_GROUP_REGULAR_EXPRESSION]: 'regex',
}

/** `api CODE field=value ...`, without what is empty. */
export function showResponse(api: string, response: object): string {
  const { errorCode = 0, errorMessage: _, ...rest } = response as Record<string, unknown>
  const name = api.replace(/Group$/, '')
  return [name, errorName(errorCode as number), ...Object.entries(rest).flatMap(showField)].join(' ')
}

const SHORT: Readonly<Record<string, string>> = {
  memberId: 'member',
  generationId: 'generation',
  protocolName: 'protocol',
  groupInstanceId: 'instance',
  partitionIndex: 'p',
  committedOffset: 'offset',
}
const HIDDEN = new Set([
  'memberMetadata',
  'metadata',
  'clientHost',
  'clientId',
  'committedLeaderEpoch',
  'topicId',
  'protocolType',
])

function showField([name, value]: [string, unknown]): string[] {
  if (HIDDEN.has(name) && !(name === 'metadata' && typeof value === 'string')) return []
  const shown = PARTITIONS.has(name) ? showPartitions(value as Parameters<typeof showPartitions>[0]) : show(name, value)
  return shown === '' ? [] : [`${SHORT[name] ?? name}=${shown}`]
}

const PARTITIONS = new Set(['topicPartitions', 'assignedPartitions', 'partitionsPendingRevocation'])

/** By number of the topic: `1:0,1 2:0`; with the epoch since which it is the member's: `1:0@3`. */
function showPartitions(
  topics: readonly {
    readonly topicId: string
    readonly partitions: readonly number[]
    readonly assignmentEpochs?: readonly number[] | null
  }[],
): string {
  const shown = topics.map(({ topicId, partitions, assignmentEpochs: epochs }) => {
    const numbers = partitions.map((partition, i) => (epochs ? `${partition}@${epochs[i]}` : partition))
    return `${Buffer.from(topicId, 'base64url').readBigInt64BE(8)}:${numbers.join(',')}`
  })
  return `[${shown.sort().join(' ')}]`
}

function show(name: string, value: unknown): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.length === 0 ? '' : `[${value.map(element => show(name, element)).join(', ')}]`
  if (typeof value === 'object') {
    const { errorCode, ...rest } = value as Record<string, unknown>
    const error = typeof errorCode === 'number' && errorCode !== 0 ? [errorName(errorCode)] : []
    return [...Object.entries(rest).flatMap(showField), ...error].join(' ')
  }
  return String(value)
}
