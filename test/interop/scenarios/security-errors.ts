/**
 * What a broker without SASL and without an authorizer answers to those who ask for them: ACLs, delegation tokens,
 * authentication. Every answer has to be Apache Kafka's, which is kept in ../expected/security-errors.txt.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CreateAclsRequest, CreateAclsResponse } from '@ottla/protocol/messages/create-acls'
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from '@ottla/protocol/messages/create-delegation-token'
import { DeleteAclsRequest, DeleteAclsResponse } from '@ottla/protocol/messages/delete-acls'
import { DescribeAclsRequest, DescribeAclsResponse } from '@ottla/protocol/messages/describe-acls'
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from '@ottla/protocol/messages/describe-delegation-token'
import {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from '@ottla/protocol/messages/expire-delegation-token'
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '@ottla/protocol/messages/renew-delegation-token'
import { SaslAuthenticateRequest, SaslAuthenticateResponse } from '@ottla/protocol/messages/sasl-authenticate'
import { SaslHandshakeRequest, SaslHandshakeResponse } from '@ottla/protocol/messages/sasl-handshake'
import { runCases } from '../cases.ts'
import type { Context } from '../context.ts'
import { TopicProbe } from '../topic-probe.ts'

const DESCRIBE = { request: DescribeAclsRequest, response: DescribeAclsResponse }
const CREATE = { request: CreateAclsRequest, response: CreateAclsResponse }
const DELETE = { request: DeleteAclsRequest, response: DeleteAclsResponse }
const HANDSHAKE = { request: SaslHandshakeRequest, response: SaslHandshakeResponse }
const AUTHENTICATE = { request: SaslAuthenticateRequest, response: SaslAuthenticateResponse }
const TOKEN = { request: CreateDelegationTokenRequest, response: CreateDelegationTokenResponse }
const RENEW = { request: RenewDelegationTokenRequest, response: RenewDelegationTokenResponse }
const EXPIRE = { request: ExpireDelegationTokenRequest, response: ExpireDelegationTokenResponse }
const TOKENS = { request: DescribeDelegationTokenRequest, response: DescribeDelegationTokenResponse }

const [ANY, TOPIC, ALLOW, READ, LITERAL] = [1, 2, 3, 3, 3]
const FILTER = {
  resourceTypeFilter: ANY,
  resourceNameFilter: null,
  patternTypeFilter: ANY,
  principalFilter: null,
  hostFilter: null,
  operation: ANY,
  permissionType: ANY,
}
const ACL = {
  resourceType: TOPIC,
  resourceName: 'orders',
  resourcePatternType: LITERAL,
  principal: 'User:ann',
  host: '*',
  operation: READ,
  permissionType: ALLOW,
}
/** Two that are good, then each code in turn one that nobody can mean, or that nobody knows. */
const broken = <T extends object>(good: T, codes: readonly (keyof T & string)[]) => [
  ['two', [good, good]] as const,
  ['none', []] as const,
  ...codes.flatMap(code =>
    [0, 99].map(value => [`${code} ${value}`, [good, { ...good, [code]: value } as T]] as const),
  ),
]

/** None needs its topic. */
const CASES: Record<string, (probe: TopicProbe) => Promise<void>> = {
  async 'ACLs without an authorizer'(probe) {
    for (const version of [1, 2, 3]) {
      await probe.tell(`describe v${version}`, probe.asker().ask(DESCRIBE, version, FILTER))
      await probe.tell(`create v${version}`, probe.asker().ask(CREATE, version, { creations: [ACL, ACL] }))
      await probe.tell(`delete v${version}`, probe.asker().ask(DELETE, version, { filters: [FILTER, FILTER] }))
    }
  },
  async 'ACLs that nobody can mean'(probe) {
    const filters = ['resourceTypeFilter', 'patternTypeFilter', 'operation', 'permissionType'] as const
    for (const [what, found] of broken(FILTER, filters)) {
      await probe.tell(`delete ${what}`, probe.asker(`delete ${what}`).ask(DELETE, 3, { filters: [...found] }))
      const last = found.at(-1)
      if (last) await probe.tell(`describe ${what}`, probe.asker(`describe ${what}`).ask(DESCRIBE, 3, last))
    }
    const fields = ['resourceType', 'resourcePatternType', 'operation', 'permissionType'] as const
    for (const [what, creations] of broken(ACL, fields)) {
      await probe.tell(`create ${what}`, probe.asker(`create ${what}`).ask(CREATE, 3, { creations: [...creations] }))
    }
    const nameless = { ...ACL, resourceName: '' }
    await probe.tell('create without a name', probe.asker().ask(CREATE, 3, { creations: [nameless] }))
  },
  async 'authentication on a listener without it'(probe) {
    for (const version of [0, 1]) {
      await probe.tell(`handshake v${version}`, probe.asker().ask(HANDSHAKE, version, { mechanism: 'PLAIN' }))
    }
    for (const version of [0, 1, 2]) {
      const authBytes = Buffer.from('\0ann\0secret')
      await probe.tell(`authenticate v${version}`, probe.asker().ask(AUTHENTICATE, version, { authBytes }))
    }
  },
  async 'delegation tokens on a listener without authentication'(probe) {
    const renewers = [{ principalType: 'User', principalName: 'ann' }]
    for (const version of [1, 2, 3]) {
      await probe.tell(`create v${version}`, probe.asker().ask(TOKEN, version, { renewers, maxLifetimeMs: -1 }))
      await probe.tell(`describe v${version}`, probe.asker().ask(TOKENS, version, { owners: null }))
      if (version === 3) continue
      const hmac = Buffer.from('token')
      await probe.tell(`renew v${version}`, probe.asker().ask(RENEW, version, { hmac, renewPeriodMs: 1000 }))
      await probe.tell(`expire v${version}`, probe.asker().ask(EXPIRE, version, { hmac, expiryTimePeriodMs: 1000 }))
    }
    const owners = [
      ['Group', 'ops'],
      ['User', ''],
      [null, null],
      [null, 'ann'],
    ] as const
    for (const [ownerPrincipalType, ownerPrincipalName] of owners) {
      const request = { ownerPrincipalType, ownerPrincipalName, renewers, maxLifetimeMs: -1 }
      const what = `create for ${ownerPrincipalType} ${ownerPrincipalName}`
      await probe.tell(what, probe.asker(what).ask(TOKEN, 3, request))
    }
  },
}

export async function securityErrors(context: Context): Promise<void> {
  const folder = join(context.kit.scratch, 'security-errors')
  mkdirSync(folder)
  const broker = await context.brokers.start(context.kind, { folder })
  await runCases('security-errors', context, broker, CASES, name => new TopicProbe(name, broker.bootstrap))
}
