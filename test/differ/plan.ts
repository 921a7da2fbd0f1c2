/**
 * What a run does, written down before it is done: a list of steps, each one request to both brokers. A plan is plain data,
 * so that steps can be left out of it and the rest be run again.
 *
 * What differs from broker to broker stands in it as a symbol, `$member:3.0`: the first new member id in the answer to
 * step 3. Names of topics and groups begin with `~`, which stands for what is the run's own. A `Made` value is bytes that
 * are made when a step is run.
 */
import type { LoadableApi } from '@ottla/protocol/api-schemas'

export type Scalar = null | boolean | number | bigint | string

/** Bytes: `$` says how they are made (bytes.ts), the rest of what. */
export interface Made {
  readonly $: string
  readonly [name: string]: Value | undefined
}

export type Value = Scalar | readonly Value[] | { readonly [name: string]: Value | undefined }

/** A field that is undefined has its default. */
export interface Request {
  readonly [name: string]: Value | undefined
}

/**
 * That the broker knows what its controller has decided; that the markers of what has been decided are written; or just a
 * moment, where nothing tells.
 */
export type Settles = 'metadata' | 'transactions' | 'moment'

export interface Step {
  /** Stays when others are left out: symbols bear it. */
  readonly id: number
  readonly api: LoadableApi
  readonly version: number
  /** Whose connection it comes by; the client id, too. */
  readonly client: string
  readonly request: Request
  /** An answer may take its time, or never come. */
  readonly mayWait?: boolean
  /** What has to be over before the next step: barrier.ts. */
  readonly settles?: Settles
}

export function isMade(value: Value): value is Made {
  return typeof value === 'object' && value !== null && '$' in value
}

/** One line. */
export function show(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
  return text.replaceAll(/"(\w+)":/g, '$1:')
}

export function showStep({ id, api, version, client, request }: Step): string {
  return `${id}. ${client} ${api} v${version} ${show(request)}`
}
