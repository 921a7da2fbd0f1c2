/** DescribeUserScramCredentials (key 50), version 0 (KIP-554): which mechanisms users have, and how many iterations. */
import { ErrorCode } from '@ottla/protocol'
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '@ottla/protocol/messages/describe-user-scram-credentials'
import { type MetadataImage, ScramMechanism, scramKey } from '../image/index.ts'
import { defineHandler } from './handler.ts'

export const describeUserScramCredentials = defineHandler({
  request: DescribeUserScramCredentialsRequest,
  response: DescribeUserScramCredentialsResponse,
  handle({ users }, _context, { metadata: { image } }) {
    const isForAll = users === null || users.length === 0
    const names = isForAll ? Array.from(image.scram.values(), ({ name }) => name) : users.map(({ name }) => name)
    const times = new Map<string, number>()
    for (const name of names) times.set(name, (times.get(name) ?? 0) + 1)
    const results = Array.from(times, ([user, count]) =>
      !isForAll && count > 1
        ? {
            user,
            errorCode: ErrorCode.DUPLICATE_RESOURCE,
            errorMessage: `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
          }
        : describe(image, user),
    )
    return { results }
  },
})

function describe({ scram }: MetadataImage, user: string) {
  const credentialInfos = Object.values(ScramMechanism).flatMap(mechanism => {
    const credential = scram.get(scramKey(mechanism, user))
    return credential ? [{ mechanism, iterations: credential.iterations }] : []
  })
  if (credentialInfos.length > 0) return { user, credentialInfos }
  return {
    user,
    errorCode: ErrorCode.RESOURCE_NOT_FOUND,
    errorMessage: `Attempt to describe a user credential that does not exist: ${user}`,
  }
}
