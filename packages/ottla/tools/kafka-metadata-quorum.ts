/** `kafka-metadata-quorum`: who keeps the metadata, how far each is, and changing who votes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  addRaftVoter,
  type Cluster,
  describeCluster,
  describeQuorum,
  type QuorumEndpoint,
  type QuorumInfo,
  type ReplicaState,
  removeRaftVoter,
} from '@ottla/client'
import { loadProperties, type ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { inExecution, ToolError } from './java/errors.ts'
import { prettyTable } from './java/format.ts'
import type { ParsedOptions } from './options.ts'

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const ID_BYTES = 16

export const kafkaMetadataQuorum = argparseTool({
  name: 'kafka-metadata-quorum',
  about: 'The quorum that keeps the metadata of the cluster.',
  options: {
    'bootstrap-server': {
      about: 'Brokers: host:port, several separated by commas.',
      value: 'servers',
      oneOf: 'exactly',
    },
    'bootstrap-controller': { about: 'Or controllers.', value: 'servers', oneOf: 'exactly' },
    'command-config': {
      about: 'A properties file for the client; for add-controller the configuration of that controller.',
      value: 'file',
    },
  },
  commands: {
    describe: {
      about: 'How the quorum is.',
      options: {
        status: { about: 'The leader, and who votes.' },
        replication: { about: 'How far each is.' },
        'human-readable': { about: 'With --replication: how long ago instead of when.' },
      },
      run: describe,
    },
    'add-controller': {
      about: 'Let a controller vote.',
      options: { 'dry-run': { about: 'Say what would be done.' } },
      run: addController,
    },
    'remove-controller': {
      about: 'Let a controller vote no more.',
      options: {
        'controller-id': { about: 'Its id.', value: 'id', aliases: ['i'], type: 'int', isRequired: true },
        'controller-directory-id': {
          about: 'The id of its metadata directory.',
          value: 'id',
          aliases: ['d'],
          isRequired: true,
        },
        'dry-run': { about: 'Say what would be done.' },
      },
      run: removeController,
    },
  },
})

async function connected(
  options: ParsedOptions,
  context: ToolContext,
  use: (cluster: Cluster) => Promise<void>,
  isClientConfig = true,
): Promise<void> {
  const server = options.text('bootstrap-server')
  const where = {
    bootstrap: server ?? options.text('bootstrap-controller'),
    areControllers: server === null,
    config: isClientConfig ? options.text('command-config') : null,
  }
  await inExecution(context.withCluster(where, 'describeMetadataQuorum', use))
}

async function describe(options: ParsedOptions, context: ToolContext): Promise<void> {
  const [status, replication, human] = ['status', 'replication', 'human-readable'].map(name => options.has(name))
  if (status && replication)
    throw new ToolError('Only one of --status or --replication should be specified with describe sub-command')
  if (!status && !replication)
    throw new ToolError('One of --status or --replication must be specified with describe sub-command')
  if (status && human) throw new ToolError('The option --human-readable is only supported along with --replication')
  await connected(options, context, async cluster => {
    const quorum = await describeQuorum(cluster)
    if (replication) context.write(replicationTable(quorum, human ? cluster.world.clock.now() : null))
    else {
      const endpoints = cluster.areControllers ? 'controllers' : 'brokers'
      const { clusterId } = await describeCluster(cluster, { endpoints })
      context.print(statusText(quorum, clusterId))
    }
  })
}

function leaderOf({ voters, leaderId }: QuorumInfo): ReplicaState {
  const leader = voters.find(({ replicaId }) => replicaId === leaderId)
  if (!leader) throw new ToolError('No value present', 'java.util.NoSuchElementException')
  return leader
}

/** `nowMs`: times are told as how long ago they were. */
function replicationTable(quorum: QuorumInfo, nowMs: number | null): string {
  const leader = leaderOf(quorum)
  const time = (at: number) => (at < 0 || nowMs === null ? String(at) : `${nowMs - at} ms ago`)
  const rows = (states: readonly ReplicaState[], status: string) =>
    states.map(state => [
      String(state.replicaId),
      state.replicaDirectoryId,
      String(state.logEndOffset),
      String(leader.logEndOffset - state.logEndOffset),
      time(state.lastFetchTimestamp),
      time(state.lastCaughtUpTimestamp),
      status,
    ])
  const followers = quorum.voters.filter(voter => voter !== leader)
  return prettyTable(
    ['NodeId', 'DirectoryId', 'LogEndOffset', 'Lag', 'LastFetchTimestamp', 'LastCaughtUpTimestamp', 'Status'],
    [...rows([leader], 'Leader'), ...rows(followers, 'Follower'), ...rows(quorum.observers, 'Observer')],
  )
}

function statusText(quorum: QuorumInfo, clusterId: string): string {
  const leader = leaderOf(quorum)
  const last = quorum.voters.reduce((a, b) => (b.logEndOffset < a.logEndOffset ? b : a))
  const areKnown = leader.lastCaughtUpTimestamp >= 0 && last.lastCaughtUpTimestamp >= 0
  const lagMs = leader === last ? 0 : areKnown ? leader.lastCaughtUpTimestamp - last.lastCaughtUpTimestamp : -1
  const lines: [string, string | number][] = [
    ['ClusterId:', clusterId],
    ['LeaderId:', quorum.leaderId],
    ['LeaderEpoch:', quorum.leaderEpoch],
    ['HighWatermark:', quorum.highWatermark],
    ['MaxFollowerLag:', leader.logEndOffset - last.logEndOffset],
    ['MaxFollowerLagTimeMs:', lagMs],
    ['CurrentVoters:', nodesText(quorum, quorum.voters)],
    ['CurrentObservers:', nodesText(quorum, quorum.observers)],
  ]
  return lines.map(([name, value]) => `${name.padEnd(24)}${value}`).join('\n')
}

function nodesText({ endpoints }: QuorumInfo, states: readonly ReplicaState[]): string {
  const nodes = states.map(({ replicaId, replicaDirectoryId }) => {
    const listeners = (endpoints.get(replicaId) ?? []).map(({ name, host, port }) => `"${name}://${host}:${port}"`)
    const parts = [
      `"id": ${replicaId}`,
      ...(replicaDirectoryId === ZERO_ID ? [] : [`"directoryId": "${replicaDirectoryId}"`]),
      ...(listeners.length > 0 ? [`"endpoints": [${listeners.join(', ')}]`] : []),
    ]
    return `{${parts.join(', ')}}`
  })
  return `[${nodes.join(', ')}]`
}

async function removeController(options: ParsedOptions, context: ToolContext): Promise<void> {
  const id = options.int('controller-id')!
  if (id < 0) throw new ToolError(`Invalid negative --controller-id: ${id}`)
  const directoryId = options.text('controller-directory-id')!
  const bytes = Buffer.from(directoryId, 'base64url').length
  if (bytes !== ID_BYTES)
    throw new ToolError(
      `Failed to parse --controller-directory-id: Input string \`${directoryId}\` decoded as ${bytes} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID`,
    )
  const isDry = options.has('dry-run')
  await connected(options, context, async cluster => {
    if (!isDry) await removeRaftVoter(cluster, { id, directoryId })
    const done = isDry ? 'DRY RUN of removing ' : 'Removed '
    context.print(`${done} KRaft controller ${id} with directory id ${directoryId}`)
  })
}

async function addController(options: ParsedOptions, context: ToolContext): Promise<void> {
  const path = options.text('command-config')
  if (path === null)
    throw new ToolError(
      'You must supply the configuration file of the controller you are adding when using add-controller.',
    )
  const properties = loadProperties(path)
  const voter = {
    id: controllerId(properties),
    directoryId: directoryIdOf(metadataDirectory(properties)),
    endpoints: controllerEndpoints(properties),
  }
  const isDry = options.has('dry-run')
  await connected(
    options,
    context,
    async cluster => {
      if (!isDry) await addRaftVoter(cluster, voter)
      const endpoints = voter.endpoints.map(({ name, host, port }) => {
        const shown = host.includes(':') ? `[${host}]` : host
        return `${name}://${shown}:${port}`
      })
      context.print(
        `${isDry ? 'DRY RUN of adding' : 'Added'} controller ${voter.id} with directory id ${voter.directoryId} and endpoints: ${endpoints.join(', ')}`,
      )
    },
    false,
  )
}

type Properties = ReadonlyMap<string, string>

const NO_CONTROLLER_FILE = 'Is this a valid controller configuration file?'

function controllerId(properties: Properties): number {
  const id = properties.get('node.id')
  if (id === undefined) throw new ToolError(`node.id not found in configuration file. ${NO_CONTROLLER_FILE}`)
  if (!/^[+-]?\d+$/.test(id)) throw new ToolError(`For input string: "${id}"`)
  if (Number(id) < 0) throw new ToolError(`node.id was negative in configuration file. ${NO_CONTROLLER_FILE}`)
  if (!(properties.get('process.roles') ?? '').includes('controller'))
    throw new ToolError(`process.roles did not contain 'controller' in configuration file. ${NO_CONTROLLER_FILE}`)
  return Number(id)
}

function metadataDirectory(properties: Properties): string {
  const directory = properties.get('metadata.log.dir') ?? properties.get('log.dirs')?.trim().split(',')[0]
  if (directory === undefined)
    throw new ToolError(`Neither metadata.log.dir nor log.dirs were found. ${NO_CONTROLLER_FILE}`)
  return directory
}

function directoryIdOf(directory: string): string {
  let text: string
  try {
    text = readFileSync(join(directory, 'meta.properties'), 'latin1')
  } catch {
    throw new ToolError(`Unable to read meta.properties from ${directory}`)
  }
  const id = /^directory\.id\s*[=:]\s*(\S+)/m.exec(text)?.[1]
  if (id === undefined) throw new ToolError(`No directory id found in ${directory}`)
  return id
}

function controllerEndpoints(properties: Properties): QuorumEndpoint[] {
  const all = new Map<string, QuorumEndpoint>()
  for (const key of ['listeners', 'advertised.listeners']) {
    for (const text of (properties.get(key) ?? '').split(',')) {
      const match = /^\s*([\w-]+):\/\/(?:\[([^\]]*)\]|([^:]*)):(\d+)\s*$/.exec(text)
      if (!match) continue
      const name = match[1]!.toUpperCase()
      all.set(name, { name, host: match[2] || match[3] || 'localhost', port: Number(match[4]) })
    }
  }
  const names = properties.get('controller.listener.names')
  if (names === undefined) throw new ToolError(`controller.listener.names was not found. ${NO_CONTROLLER_FILE}`)
  return names.split(',').map(text => {
    const name = text.trim().toUpperCase()
    const endpoint = all.get(name)
    if (!endpoint) throw new ToolError(`Cannot find information about controller listener name: ${name}`)
    return endpoint
  })
}
