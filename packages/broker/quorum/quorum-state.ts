/**
 * `quorum-state`: what a node of the quorum must not forget about elections, as JSON on one line. Version 0 belongs to
 * kraft.version 0, where voters are configured; version 1 to kraft.version 1.
 */
import type { Disk } from '@ottla/io'
import { DiskError } from '@ottla/io'
import { ZERO_UUID } from '@ottla/protocol'
import { MetadataError } from '../errors.ts'

export interface QuorumState {
  readonly leaderEpoch: number
  /** -1: not known. */
  readonly leaderId: number
  /** For whom this node has voted in the epoch; -1: for nobody. */
  readonly votedId: number
  readonly votedDirectoryId: string
}

export const NO_QUORUM_STATE: QuorumState = { leaderEpoch: 0, leaderId: -1, votedId: -1, votedDirectoryId: ZERO_UUID }

/** null if there is none: the node has never taken part. Throws a MetadataError ERR_BROKEN_FILE. */
export async function readQuorumState(disk: Disk, path: string): Promise<QuorumState | null> {
  let text: string
  try {
    text = (await disk.readFile(path)).toString('utf8')
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return null
    throw error
  }
  return parseQuorumState(text, path)
}

export function parseQuorumState(text: string, path: string): QuorumState {
  const broken = (why: string) => new MetadataError('ERR_BROKEN_FILE', `${path}: ${why}`)
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    throw broken('it is not JSON')
  }
  if (typeof data !== 'object' || data === null) throw broken('it is not a JSON object')
  const fields = data as Record<string, unknown>
  const version = fields.data_version
  if (version !== 0 && version !== 1) throw broken(`data_version is ${version}, and 0 and 1 are known`)
  const integer = (name: string): number => {
    const value = fields[name]
    if (typeof value !== 'number' || !Number.isInteger(value) || value < -1) throw broken(`${name} is ${value}`)
    return value
  }
  const votedDirectoryId = version === 0 ? ZERO_UUID : fields.votedDirectoryId
  if (typeof votedDirectoryId !== 'string') throw broken(`votedDirectoryId is ${votedDirectoryId}`)
  return {
    leaderEpoch: integer('leaderEpoch'),
    leaderId: integer('leaderId'),
    votedId: integer('votedId'),
    votedDirectoryId,
  }
}

/** `voters`: ids, which only version 0 holds. */
export function quorumStateText(state: QuorumState, kraftVersion: number, voters: readonly number[]): string {
  const { leaderId, leaderEpoch, votedId, votedDirectoryId } = state
  if (kraftVersion > 0) return JSON.stringify({ leaderId, leaderEpoch, votedId, votedDirectoryId, data_version: 1 })
  const currentVoters = voters.map(voterId => ({ voterId }))
  return JSON.stringify({
    clusterId: '',
    leaderId,
    leaderEpoch,
    votedId,
    appliedOffset: 0,
    currentVoters,
    data_version: 0,
  })
}
