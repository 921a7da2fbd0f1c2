/** Who votes in the quorum: ids, directory ids, endpoints (KIP-853), as the log or the configuration tells. */
import type { VotersRecord } from '@ottla/protocol/logrecords/control'
import { MetadataError } from '../errors.ts'

export type Voter = VotersRecord['voters'][number]
export type VoterSet = readonly Voter[]

/** Of this software. */
export const KRAFT_VERSIONS = { minSupportedVersion: 0, maxSupportedVersion: 1 } as const

export interface VoterEndpoint {
  /** Of the listener. */
  readonly name: string
  readonly host: string
  readonly port: number
}

export function makeVoter(voterId: number, voterDirectoryId: string, endpoints: readonly VoterEndpoint[]): Voter {
  return { voterId, voterDirectoryId, endpoints: [...endpoints], kRaftVersionFeature: { ...KRAFT_VERSIONS } }
}

const INITIAL_CONTROLLER = /^(\d+)@(?:\[([^\]]+)\]|([^:[\]]+)):(\d+):([\w-]{22})$/

/**
 * `id@host:port:directory-id,...`, as `--initial-controllers` has it. Throws a MetadataError ERR_CANNOT_FORMAT.
 */
export function parseInitialControllers(text: string, listenerName: string): VoterSet {
  const voters = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => {
      const match = INITIAL_CONTROLLER.exec(part)
      if (!match || Number(match[4]) > 65_535) throw invalid(`'${part}' is not id@host:port:directory-id`)
      const [, id, ipv6, host, port, directoryId] = match
      return makeVoter(Number(id), directoryId!, [{ name: listenerName, host: (ipv6 ?? host)!, port: Number(port) }])
    })
  if (voters.length === 0) throw invalid('no initial controllers are given')
  const ids = new Set(voters.map(voter => voter.voterId))
  if (ids.size < voters.length) throw invalid('an initial controller is given twice')
  return voters.sort((a, b) => a.voterId - b.voterId)
}

function invalid(message: string): MetadataError {
  return new MetadataError('ERR_CANNOT_FORMAT', message)
}

/** Whether the log has to be told that the node can now be reached elsewhere, or speaks other versions. */
export function isOutdated(voter: Voter, current: Voter): boolean {
  const text = ({ endpoints, kRaftVersionFeature }: Voter) =>
    JSON.stringify([
      endpoints.map(({ name, host, port }) => `${name}://${host}:${port}`).sort(),
      kRaftVersionFeature.minSupportedVersion,
      kRaftVersionFeature.maxSupportedVersion,
    ])
  return text(voter) !== text(current)
}
