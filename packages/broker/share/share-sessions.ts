/**
 * Share sessions (KIP-932): for each member the partitions that it reads, so that a request names only what changed, and
 * an epoch by which a request that was lost or sent twice is found out. A session ends with its connection.
 *
 * This file keeps the sessions and decides what is in a response; it reads nothing.
 */
import { ApiError } from '../errors.ts'

export interface SessionPartition {
  readonly topicId: string
  readonly partition: number
}

interface CachedPartition extends SessionPartition {
  /** The member is to be told of it, whatever there is to say. */
  isNews: boolean
}

export interface ShareSession {
  readonly groupId: string
  readonly memberId: string
  readonly connectionId: number
  /** Of the next request. */
  epoch: number
  readonly partitions: Map<string, CachedPartition>
}

export interface ShareFetchPlan {
  readonly partitions: readonly SessionPartition[]
  /** Set where the response leaves out what is no news; then `news` decides. */
  readonly session: ShareSession | null
}

export interface SessionRequest {
  readonly groupId: string
  readonly memberId: string
  readonly epoch: number
  readonly connectionId: number
  readonly wanted: readonly SessionPartition[]
  readonly forgotten: readonly SessionPartition[]
  readonly hasAcknowledgements: boolean
}

export const INITIAL_EPOCH = 0
export const FINAL_EPOCH = -1
const MAX_EPOCH = 0x7fff_ffff

export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>()
  /** Sessions that a group has. */
  readonly #members = new Map<string, number>()
  readonly #maxSessions: number

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions
  }

  get size(): number {
    return this.#sessions.size
  }

  /** In all sessions. */
  get partitionCount(): number {
    let count = 0
    for (const { partitions } of this.#sessions.values()) count += partitions.size
    return count
  }

  get(groupId: string, memberId: string): ShareSession | undefined {
    return this.#sessions.get(keyOf(groupId, memberId))
  }

  hasMembers(groupId: string): boolean {
    return this.#members.has(groupId)
  }

  /** What a ShareFetch is to read. Throws an ApiError. */
  plan(request: SessionRequest): ShareFetchPlan {
    const { groupId, memberId, epoch, wanted } = request
    if (epoch === INITIAL_EPOCH) return { partitions: this.#open(request), session: null }
    const session = this.#known(groupId, memberId)
    // The member says good-bye: it wants no more, and the session goes when it has been answered.
    if (epoch === FINAL_EPOCH) return { partitions: [], session: null }
    advance(session, epoch)
    for (const partition of wanted) {
      const key = partitionKey(partition)
      if (!session.partitions.has(key)) session.partitions.set(key, { ...partition, isNews: true })
    }
    for (const partition of request.forgotten) session.partitions.delete(partitionKey(partition))
    return { partitions: [...session.partitions.values()], session }
  }

  /** For a ShareAcknowledge, which reads nothing. Throws an ApiError. */
  touch(groupId: string, memberId: string, epoch: number): void {
    if (epoch === INITIAL_EPOCH) throw invalidEpoch(`a session begins with a ShareFetch, not with epoch ${epoch}`)
    const session = this.#known(groupId, memberId)
    if (epoch !== FINAL_EPOCH) advance(session, epoch)
  }

  remove(groupId: string, memberId: string): ShareSession | undefined {
    const session = this.get(groupId, memberId)
    if (!session) return undefined
    this.#sessions.delete(keyOf(groupId, memberId))
    const others = this.#members.get(groupId)! - 1
    if (others > 0) this.#members.set(groupId, others)
    else this.#members.delete(groupId)
    return session
  }

  #known(groupId: string, memberId: string): ShareSession {
    const session = this.get(groupId, memberId)
    if (!session) throw new ApiError('SHARE_SESSION_NOT_FOUND', 'The share session was not found.')
    return session
  }

  #open({ groupId, memberId, connectionId, wanted, hasAcknowledgements }: SessionRequest): SessionPartition[] {
    if (hasAcknowledgements) throw new ApiError('INVALID_REQUEST', 'a new session has nothing to acknowledge')
    this.remove(groupId, memberId)
    const partitions = new Map(wanted.map(partition => [partitionKey(partition), { ...partition, isNews: false }]))
    if (partitions.size < wanted.length) throw new ApiError('UNKNOWN_SERVER_ERROR', 'a new session has something twice')
    if (this.#sessions.size >= this.#maxSessions) {
      throw new ApiError('SHARE_SESSION_LIMIT_REACHED', 'The limit of share sessions has been reached.')
    }
    const session = { groupId, memberId, connectionId, epoch: INITIAL_EPOCH + 1, partitions }
    this.#sessions.set(keyOf(groupId, memberId), session)
    this.#members.set(groupId, (this.#members.get(groupId) ?? 0) + 1)
    return [...partitions.values()]
  }
}

/** Whether an incremental response has to hold this partition; remembers what is sent. */
export function isNews(
  session: ShareSession,
  partition: SessionPartition,
  { hasRecords, hasFailed }: { readonly hasRecords: boolean; readonly hasFailed: boolean },
): boolean {
  const key = partitionKey(partition)
  const cached = session.partitions.get(key)
  if (!cached) return true
  const news = hasRecords || hasFailed || cached.isNews
  // Once it has failed the member is told, too, when that is over.
  cached.isNews = hasFailed
  // To the end of the line, so that one that is always full can't starve the rest.
  if (hasRecords && session.partitions.delete(key)) session.partitions.set(key, cached)
  return news
}

/** So that each of the partitions that can be read comes first at times. */
export function rotated<T>(partitions: readonly T[], epoch: number): readonly T[] {
  const at = partitions.length > 0 && epoch > 0 ? epoch % partitions.length : 0
  return at === 0 ? partitions : [...partitions.slice(at), ...partitions.slice(0, at)]
}

function advance(session: ShareSession, epoch: number): void {
  if (session.epoch !== epoch) throw invalidEpoch(`the session is at epoch ${session.epoch}, not ${epoch}`)
  session.epoch = epoch === MAX_EPOCH ? INITIAL_EPOCH + 1 : epoch + 1
}

function invalidEpoch(message: string): ApiError {
  return new ApiError('INVALID_SHARE_SESSION_EPOCH', message)
}

/** Two memory-safe texts: a group's id may hold anything. */
function keyOf(groupId: string, memberId: string): string {
  return `${groupId.length}:${groupId}${memberId}`
}

function partitionKey({ topicId, partition }: SessionPartition): string {
  return `${topicId}:${partition}`
}
