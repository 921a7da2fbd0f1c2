/**
 * AlterUserScramCredentials (KIP-554): a user has one credential a mechanism. What is stored are the keys that follow from
 * the salted password that the client sends, never the password itself.
 */
import type { Init } from '@ottla/protocol'
import type {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '@ottla/protocol/messages/alter-user-scram-credentials'
import { ApiError } from '../errors.ts'
import { type MetadataRecord, metadataRecord, ScramMechanism, Since, scramKey } from '../image/index.ts'
import { checkRecordCount, failure, type Outcome, outcomeOf, SUCCESS } from './outcome.ts'
import { type ControllerResult, type ControllerState, metadataVersion } from './state.ts'

type Response = Init<typeof AlterUserScramCredentialsResponse>
type Deletion = AlterUserScramCredentialsRequest['deletions'][number]
type Upsertion = AlterUserScramCredentialsRequest['upsertions'][number]

/** RFC 5802 asks for as many at least; Kafka bounds what a server would spend on one login. */
const MIN_ITERATIONS = 4096
const MAX_ITERATIONS = 16_384

/** What is to become of a user: the record, or why there is none. */
type Verdict = MetadataRecord | Outcome

const NO_KEY = failure('UNKNOWN_SERVER_ERROR', '')
const TWICE = failure('DUPLICATE_RESOURCE', 'A user can be altered only once in a request.')

export function alterUserScramCredentials(
  state: ControllerState,
  { deletions, upsertions }: AlterUserScramCredentialsRequest,
): ControllerResult<Response> {
  const verdicts = new Map<string, Verdict>()
  const decide = (name: string, decision: () => MetadataRecord) => {
    const known = verdicts.get(name)
    // Who has an error keeps the first.
    if (known && !('type' in known)) return
    verdicts.set(name, known ? TWICE : verdictOf(state, decision))
  }
  for (const deletion of deletions) decide(deletion.name, () => deletionRecord(state, deletion))
  for (const upsertion of upsertions) decide(upsertion.name, () => upsertionRecord(state, upsertion))
  // Java makes no key of nothing, and Kafka says no more about it.
  for (const { name, saltedPassword } of upsertions)
    if (saltedPassword.length === 0 && 'type' in verdicts.get(name)!) verdicts.set(name, NO_KEY)
  const records = [...verdicts.values()].filter(verdict => 'type' in verdict)
  checkRecordCount(records)
  const results = Array.from(verdicts, ([user, verdict]) => ({ user, ...('type' in verdict ? SUCCESS : verdict) }))
  return { records, isAtomic: true, response: { results } }
}

function verdictOf(state: ControllerState, decision: () => MetadataRecord): Verdict {
  let record: MetadataRecord | null = null
  const outcome = outcomeOf(() => {
    if (metadataVersion(state) < Since.SCRAM)
      throw new ApiError('UNSUPPORTED_VERSION', 'The current metadata.version does not support SCRAM')
    record = decision()
  })
  return record ?? outcome
}

function deletionRecord({ image }: ControllerState, { name, mechanism }: Deletion): MetadataRecord {
  checkUser(name, mechanism)
  if (!image.scram.has(scramKey(mechanism, name)))
    throw new ApiError('RESOURCE_NOT_FOUND', `${name} has no credential of this mechanism.`)
  return metadataRecord('RemoveUserScramCredentialRecord', 0, { name, mechanism })
}

function upsertionRecord(
  { options }: ControllerState,
  { name, mechanism, iterations, salt, saltedPassword }: Upsertion,
): MetadataRecord {
  checkUser(name, mechanism)
  const refuse = (reason: string) => new ApiError('UNACCEPTABLE_CREDENTIAL', reason)
  if (iterations < MIN_ITERATIONS) throw refuse('Too few iterations')
  if (iterations > MAX_ITERATIONS) throw refuse('Too many iterations')
  const keys = options.scramKeys(mechanism, saltedPassword)
  // The request's memory goes to others.
  return metadataRecord('UserScramCredentialRecord', 0, {
    name,
    mechanism,
    salt: new Uint8Array(salt),
    ...keys,
    iterations,
  })
}

function checkUser(name: string, mechanism: number): asserts mechanism is ScramMechanism {
  if (name === '') throw new ApiError('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  if (!Object.values<number>(ScramMechanism).includes(mechanism))
    throw new ApiError('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism')
}
