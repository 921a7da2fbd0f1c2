/** `--initial-controllers 0@host:port:directory-id,...`: who votes first (KIP-853), with Java's words for what is wrong. */
import { makeVoter, type VoterSet } from '@ottla/broker'
import { ToolError } from './java/errors.ts'

const MAX_PORT = 65_535

/** All are reached by the listener of this name. */
export function initialControllers(text: string, listenerName: string): VoterSet {
  const voters = text
    .trim()
    .split(',')
    .filter(part => part !== '')
    .map(part => voter(part.trim(), listenerName))
  if (voters.length === 0) throw new ToolError('No voters given.')
  const ids = new Set<number>()
  for (const { voterId } of voters) {
    if (ids.has(voterId)) throw new ToolError(`Node id ${voterId} was specified more than once.`)
    ids.add(voterId)
  }
  return voters.sort((a, b) => a.voterId - b.voterId)
}

function voter(text: string, listenerName: string): VoterSet[number] {
  const at = text.indexOf('@')
  if (at < 0) throw new ToolError('No @ found in dynamic voter string.')
  if (at === 0) throw new ToolError('Invalid @ at beginning of dynamic voter string.')
  const id = integer(text.slice(0, at), 'node id')
  if (id < 0) throw new ToolError(`Invalid negative node id ${id} in dynamic voter string.`)
  const [host, afterHost] = hostOf(text.slice(at + 1))
  if (!afterHost.startsWith(':')) throw new ToolError('Port section must start with a colon.')
  const colon = afterHost.indexOf(':', 1)
  if (colon < 0) throw new ToolError('No colon following port could be found.')
  const port = integer(afterHost.slice(1, colon), 'port')
  if (port < 0 || port > MAX_PORT) throw new ToolError(`Invalid port ${port} in dynamic voter string.`)
  const directoryId = afterHost.slice(colon + 1)
  if (!/^[\w-]{22}$/.test(directoryId)) throw new ToolError('Failed to parse directory ID in dynamic voter string.')
  return makeVoter(id, directoryId, [{ name: listenerName, host, port }])
}

function hostOf(text: string): [host: string, rest: string] {
  if (text === '') throw new ToolError('No hostname found after node id.')
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    if (end < 0) throw new ToolError('Hostname began with left bracket, but no right bracket was found.')
    return [text.slice(1, end), text.slice(end + 1)]
  }
  const colon = text.indexOf(':')
  if (colon < 0) throw new ToolError('No colon following hostname could be found.')
  return [text.slice(0, colon), text.slice(colon)]
}

function integer(text: string, what: string): number {
  if (!/^[+-]?\d{1,10}$/.test(text)) throw new ToolError(`Failed to parse ${what} in dynamic voter string.`)
  return Number(text)
}
