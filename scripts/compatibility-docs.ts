/**
 * Writes the tables of docs/compatibility.md, between their marks, from the handlers that the broker has and from the
 * versions that `npm run interop` pins: `node scripts/compatibility-docs.ts`. A test (beside this file) fails when the
 * page is not what they say. The text around the tables is written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { advertised } from '../packages/broker/handlers/api-versions.ts'
import { BROKER_HANDLERS, CONTROLLER_HANDLERS } from '../packages/broker/handlers/index.ts'
import { ApiKey, type ApiName, apiName } from '../packages/protocol/index.ts'
import { TOOLS } from '../test/interop/java.ts'

const ROOT = dirname(import.meta.dirname)
export const PAGE = join(ROOT, 'docs/compatibility.md')

/** What the APIs are for that are not served, or not yet; those that are served drop out by themselves. */
const AREAS: Readonly<Record<string, readonly ApiName[]>> = {
  Transactions: [
    'AddPartitionsToTxn',
    'AddOffsetsToTxn',
    'EndTxn',
    'WriteTxnMarkers',
    'TxnOffsetCommit',
    'DescribeProducers',
    'DescribeTransactions',
    'ListTransactions',
  ],
  'Consumer groups of the new protocol (KIP-848)': ['ConsumerGroupHeartbeat', 'ConsumerGroupDescribe'],
  'Share groups (KIP-932)': [
    'ShareGroupHeartbeat',
    'ShareGroupDescribe',
    'ShareFetch',
    'ShareAcknowledge',
    'InitializeShareGroupState',
    'ReadShareGroupState',
    'WriteShareGroupState',
    'DeleteShareGroupState',
    'ReadShareGroupStateSummary',
    'DescribeShareGroupOffsets',
    'AlterShareGroupOffsets',
    'DeleteShareGroupOffsets',
  ],
  'Streams groups (KIP-1071)': ['StreamsGroupHeartbeat', 'StreamsGroupDescribe'],
  'Security: SASL, ACLs, SCRAM, delegation tokens': [
    'SaslHandshake',
    'SaslAuthenticate',
    'DescribeAcls',
    'CreateAcls',
    'DeleteAcls',
    'DescribeUserScramCredentials',
    'AlterUserScramCredentials',
    'CreateDelegationToken',
    'RenewDelegationToken',
    'ExpireDelegationToken',
    'DescribeDelegationToken',
  ],
  Quotas: ['DescribeClientQuotas', 'AlterClientQuotas'],
  'Several nodes: the quorum': [
    'Vote',
    'BeginQuorumEpoch',
    'EndQuorumEpoch',
    'FetchSnapshot',
    'DescribeQuorum',
    'AddRaftVoter',
    'RemoveRaftVoter',
    'UpdateRaftVoter',
  ],
  'Several nodes: brokers and their controller': [
    'BrokerRegistration',
    'BrokerHeartbeat',
    'UnregisterBroker',
    'ControllerRegistration',
    'AllocateProducerIds',
    'AssignReplicasToDirs',
    'AlterPartition',
    'Envelope',
  ],
  'Moving replicas and leaders': [
    'ElectLeaders',
    'AlterPartitionReassignments',
    'ListPartitionReassignments',
    'AlterReplicaLogDirs',
  ],
  'Feature levels': ['UpdateFeatures'],
  'Client metrics': ['GetTelemetrySubscriptions', 'PushTelemetry', 'ListConfigResources'],
}

/** Of ZooKeeper's time: their keys are kept, and Kafka 4 has no version of them. */
const REMOVED: readonly ApiName[] = ['LeaderAndIsr', 'StopReplica', 'UpdateMetadata', 'ControlledShutdown']

function apis(): string {
  const onController = new Set(CONTROLLER_HANDLERS.map(({ request }) => request.key))
  const served = advertised(BROKER_HANDLERS, false)
  const names = new Set<ApiName>(served.map(({ apiKey }) => apiName(apiKey)!))
  const areas = Object.entries(AREAS)
    .map(([area, all]) => [area, all.filter(name => !names.has(name))] as const)
    .filter(([, missing]) => missing.length > 0)
  checkComplete(
    names,
    areas.flatMap(([, missing]) => missing),
  )
  const range = ({ minVersion, maxVersion }: { minVersion: number; maxVersion: number }) =>
    minVersion === maxVersion ? String(minVersion) : `${minVersion} to ${maxVersion}`
  const rows = served.map(api => {
    return `| ${api.apiKey} | ${apiName(api.apiKey)} | ${range(api)} | ${onController.has(api.apiKey) ? 'yes' : ''} |`
  })
  return [
    `${served.length} of Kafka's ${Object.keys(ApiKey).length - REMOVED.length}:\n`,
    '| Key | API | Versions | Controller, too |\n| ---: | --- | --- | --- |',
    ...rows,
    '\nNot served:\n',
    '| | APIs |\n| --- | --- |',
    ...areas.map(([area, missing]) => `| ${area} | ${missing.join(', ')} |`),
  ].join('\n')
}

function checkComplete(served: ReadonlySet<ApiName>, missing: readonly ApiName[]): void {
  for (const name of Object.keys(ApiKey) as ApiName[]) {
    const places = Number(served.has(name)) + missing.filter(other => other === name).length
    if (places !== Number(!REMOVED.includes(name))) throw new Error(`${name} is in ${places} of the tables`)
  }
}

function clients(): string {
  const read = (path: string) => readFileSync(join(ROOT, 'test/interop', path), 'utf8')
  const npm = (JSON.parse(read('node/package.json')) as { devDependencies: Record<string, string> }).devDependencies
  const pypi = read('python/requirements.txt')
  const go = read('go/go.mod')
  const version = (text: string, pattern: RegExp) => {
    const found = pattern.exec(text)?.[1]
    if (!found) throw new Error(`${pattern} is not pinned`)
    return found
  }
  const kafka = version(read('java/pom.xml'), /<kafka\.version>(.+)<\/kafka\.version>/)
  const rows = [
    ['JavaScript', 'kafkajs', npm.kafkajs],
    ['JavaScript', '@platformatic/kafka', npm['@platformatic/kafka']],
    ['Python', 'confluent-kafka (librdkafka)', version(pypi, /^confluent-kafka==(.+)$/m)],
    ['Python', 'kafka-python', version(pypi, /^kafka-python==(.+)$/m)],
    ['C', 'kcat (librdkafka)', "Debian's"],
    ['Go', 'franz-go', version(go, /twmb\/franz-go v(\S+)/)],
    ['Go', 'segmentio/kafka-go', version(go, /segmentio\/kafka-go v(\S+)/)],
    ['Java', "Apache Kafka's clients", kafka],
    ['Java', `Apache Kafka's tools: ${Object.keys(TOOLS).join(', ')}`, kafka],
  ]
  return ['| | Client | Version |', '| --- | --- | --- |', ...rows.map(row => `| ${row.join(' | ')} |`)].join('\n')
}

/** The page with its tables as they have to be. */
export function compatibilityPage(page: string): string {
  let text = page
  for (const [name, table] of Object.entries({ apis: apis(), clients: clients() })) {
    const marked = new RegExp(`(<!-- ${name}: .*-->)[\\s\\S]*?(<!-- end -->)`)
    if (!marked.test(text)) throw new Error(`${PAGE} has no place for the table of ${name}`)
    text = text.replace(marked, (_, begin: string, end: string) => `${begin}\n\n${table}\n\n${end}`)
  }
  return text
}

if (import.meta.main) writeFileSync(PAGE, compatibilityPage(readFileSync(PAGE, 'utf8')))
