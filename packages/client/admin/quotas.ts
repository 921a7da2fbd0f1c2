/** Quotas of users, clients and addresses, and the SCRAM credentials of users. */
import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '@ottla/protocol/messages/alter-user-scram-credentials'
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '@ottla/protocol/messages/describe-client-quotas'
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '@ottla/protocol/messages/describe-user-scram-credentials'
import { askAny } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check, type Outcome, outcome } from '../errors.ts'

const describeApi = { request: DescribeClientQuotasRequest, response: DescribeClientQuotasResponse }
const alterApi = { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }
const describeScramApi = {
  request: DescribeUserScramCredentialsRequest,
  response: DescribeUserScramCredentialsResponse,
}
const alterScramApi = { request: AlterUserScramCredentialsRequest, response: AlterUserScramCredentialsResponse }

const MatchType = { exact: 0, default: 1, any: 2 } as const

export type QuotaEntityType = 'user' | 'client-id' | 'ip'

/** `name`: null is the default of that type. */
export interface QuotaEntityPart {
  readonly entityType: string
  readonly name: string | null
}

export interface Quotas {
  readonly entity: readonly QuotaEntityPart[]
  readonly values: ReadonlyMap<string, number>
}

export interface QuotaFilter {
  readonly entityType: QuotaEntityType
  /** null: the default; undefined: all of that type. */
  readonly name: string | null | undefined
}

/** Of entities that have these parts and no others. */
export async function describeClientQuotas(cluster: Cluster, filters: readonly QuotaFilter[]): Promise<Quotas[]> {
  const response = await askAny(cluster, describeApi, {
    components: filters.map(({ entityType, name }) => ({
      entityType,
      matchType: name === undefined ? MatchType.any : name === null ? MatchType.default : MatchType.exact,
      match: name ?? null,
    })),
    strict: true,
  })
  check(response.errorCode, 'describe quotas', response.errorMessage)
  return (response.entries ?? []).map(({ entity, values }) => ({
    entity: entity.map(({ entityType, entityName }) => ({ entityType, name: entityName })),
    values: new Map(values.map(({ key, value }) => [key, value])),
  }))
}

/** `value`: null removes the quota. */
export async function alterClientQuotas(
  cluster: Cluster,
  entity: readonly QuotaEntityPart[],
  changes: readonly { readonly key: string; readonly value: number | null }[],
): Promise<void> {
  const response = await askAny(cluster, alterApi, {
    entries: [
      {
        entity: entity.map(({ entityType, name }) => ({ entityType, entityName: name })),
        ops: changes.map(({ key, value }) => ({ key, value: value ?? 0, remove: value === null })),
      },
    ],
    validateOnly: false,
  })
  const result = response.entries[0]!
  check(result.errorCode, 'alter quotas', result.errorMessage)
}

/** By Kafka's number; how many iterations a credential has at least. */
export const ScramMechanism = {
  'SCRAM-SHA-256': { id: 1, hash: 'sha256', bytes: 32, minIterations: 4096 },
  'SCRAM-SHA-512': { id: 2, hash: 'sha512', bytes: 64, minIterations: 4096 },
} as const
export type ScramMechanism = keyof typeof ScramMechanism

export interface ScramCredentials {
  readonly user: string
  readonly failure: Outcome
  readonly credentials: readonly { readonly mechanism: string; readonly iterations: number }[]
}

/** Of the users named, or all. */
export async function describeScramCredentials(
  cluster: Cluster,
  users: readonly string[] | null,
): Promise<ScramCredentials[]> {
  const response = await askAny(cluster, describeScramApi, { users: users?.map(name => ({ name })) ?? null })
  check(response.errorCode, 'describe SCRAM credentials', response.errorMessage)
  const names = new Map<number, string>(Object.entries(ScramMechanism).map(([name, { id }]) => [id, name]))
  return response.results.map(({ user, errorCode, errorMessage, credentialInfos }) => ({
    user,
    failure: outcome(errorCode, `SCRAM credentials of user '${user}'`, errorMessage),
    credentials: credentialInfos.map(({ mechanism, iterations }) => ({
      mechanism: names.get(mechanism) ?? 'UNKNOWN',
      iterations,
    })),
  }))
}

export interface ScramUpsertion {
  readonly mechanism: ScramMechanism
  readonly iterations: number
  readonly password: string
}

const SALT_BYTES = 20
const derive = promisify(pbkdf2)

/** The password stays here: a salted hash of it is sent. */
export async function alterScramCredentials(
  cluster: Cluster,
  user: string,
  upsertions: readonly ScramUpsertion[],
  deletions: readonly ScramMechanism[],
): Promise<void> {
  const response = await askAny(cluster, alterScramApi, {
    deletions: deletions.map(mechanism => ({ name: user, mechanism: ScramMechanism[mechanism].id })),
    upsertions: await Promise.all(
      upsertions.map(async ({ mechanism, iterations, password }) => {
        const { id, hash, bytes } = ScramMechanism[mechanism]
        const salt = cluster.world.random.bytes(SALT_BYTES)
        const saltedPassword = await derive(password, salt, iterations, bytes, hash)
        return { name: user, mechanism: id, iterations, salt, saltedPassword }
      }),
    ),
  })
  for (const { errorCode, errorMessage } of response.results)
    check(errorCode, `alter SCRAM credentials of user '${user}'`, errorMessage)
}
