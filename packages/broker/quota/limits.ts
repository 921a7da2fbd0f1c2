/**
 * Who may do how much of one thing. A limit is set for a user, a client id, both together, or the default of either; the
 * most particular one counts, and whoever shares it through the same names is measured together.
 */
import { type QuotaEntityPart, QuotaEntityType } from '../image/index.ts'
import type { Identity } from './measured.ts'

export interface Allowance extends Identity {
  /** A second. */
  readonly limit: number
  /** Whom the two parts of it tell apart from others; null: not by this one. */
  readonly user: string | null
  readonly clientId: string | null
}

/** A name, null for the default, undefined for a part that is not in the entity. */
type Name = string | null | undefined

/** What was looked up is kept for so many; then it is begun anew. */
const MAX_KNOWN = 10_000

export class Limits {
  readonly #limits = new Map<string, number>()
  readonly #known = new Map<string, Map<string, Allowance | null>>()
  #knownCount = 0

  get isEmpty(): boolean {
    return this.#limits.size === 0
  }

  /** null removes it. */
  set(entity: readonly QuotaEntityPart[], limit: number | null): void {
    const named = (type: string): Name => entity.find(({ entityType }) => entityType === type)?.entityName
    const key = entityKey(named(QuotaEntityType.user), named(QuotaEntityType.clientId))
    if (limit === null) this.#limits.delete(key)
    else this.#limits.set(key, limit)
    this.#known.clear()
    this.#knownCount = 0
  }

  /** null: as much as it likes. */
  of(user: string, clientId: string): Allowance | null {
    if (this.#limits.size === 0) return null
    const ofUser = this.#known.get(user)
    const known = ofUser?.get(clientId)
    if (known !== undefined) return known
    const found = this.#find(user, clientId)
    if (this.#knownCount++ >= MAX_KNOWN) {
      this.#known.clear()
      this.#knownCount = 1
    }
    const into = this.#known.get(user) ?? new Map<string, Allowance | null>()
    this.#known.set(user, into)
    into.set(clientId, found)
    return found
  }

  #find(user: string, clientId: string): Allowance | null {
    for (const [userPart, clientPart] of precedence(user, clientId)) {
      const limit = this.#limits.get(entityKey(userPart, clientPart))
      if (limit === undefined) continue
      const ofUser = userPart === undefined ? null : user
      const ofClientId = clientPart === undefined ? null : clientId
      const key = entityKey(ofUser ?? undefined, ofClientId ?? undefined)
      return { limit, key, user: ofUser, clientId: ofClientId }
    }
    return null
  }
}

/** The most particular first. A client without an id has nothing that is set for client ids. */
function precedence(user: string, clientId: string): readonly (readonly [user: Name, clientId: Name])[] {
  if (clientId === '') {
    return [
      [user, undefined],
      [null, undefined],
    ]
  }
  return [
    [user, clientId],
    [user, null],
    [user, undefined],
    [null, clientId],
    [null, null],
    [null, undefined],
    [undefined, clientId],
    [undefined, null],
  ]
}

function entityKey(user: Name, clientId: Name): string {
  return JSON.stringify([partKey(user), partKey(clientId)])
}

function partKey(name: Name): string | number {
  if (name === undefined) return 0
  return name ?? 1
}
