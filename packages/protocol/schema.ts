/**
 * The schema language in which every Kafka message is written down: `messages/` holds requests and responses,
 * `logrecords/` what the internal topics and a few files hold. A schema is plain data; `codec.ts` compiles it, and the
 * TypeScript type of a message is inferred from it, so that there is one place that says what a message looks like.
 *
 *     export const FetchRequest = message('FetchRequest', { key: 1, versions: '4-18', flexible: '12+' }, {
 *       replicaId: int32('0-14', -1),
 *       topics: array({ topic: string('0-12'), partitions: array({ partition: int32(), fetchOffset: int64() }) }),
 *     })
 *     export type FetchRequest = Of<typeof FetchRequest>
 *
 * A field's first argument says in which versions it exists (all, if left out), the second its default. One object
 * shape serves all versions: a field that a version lacks has its default.
 */

/** `'3'`, `'3-7'`, `'3+'` or `'none'`, as in Kafka's message definitions. */
export type Versions = string

export interface VersionRange {
  readonly min: number
  /** Inclusive; Infinity for `'3+'`. */
  readonly max: number
}

export const NO_VERSIONS: VersionRange = { min: 0, max: -1 }

export function parseVersions(versions: Versions): VersionRange {
  if (versions === 'none') return NO_VERSIONS
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(versions)
  if (!match) throw new Error(`bad version range '${versions}'`)
  const min = Number(match[1])
  return { min, max: match[2] ? Number.POSITIVE_INFINITY : Number(match[3] ?? min) }
}

export function inRange(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max
}

export type FieldKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'rawInt64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

export interface FieldOptions {
  /** Versions in which null is allowed. */
  readonly nullable?: Versions
  /** Tag number: the field travels in the tag section, and only when it differs from its default. */
  readonly tag?: number
  /** Versions in which the tag applies; all of the field's, if left out. */
  readonly tagged?: Versions
  /** May be dropped silently in a version that lacks it; otherwise a value other than the default is an error there. */
  readonly ignorable?: boolean
  /** Overrides the message's flexible versions for this one field (only RequestHeader.clientId needs it). */
  readonly flexible?: Versions
}

/** `Value` is what decoding gives, `Input` what encoding takes. */
export interface Field<out Value = unknown, out Input = unknown> {
  readonly kind: FieldKind
  readonly versions: VersionRange
  /** The default value; for an array that is not null by default, and for a struct, undefined stands for the empty one. */
  readonly defaultValue: unknown
  readonly nullable: VersionRange
  readonly tag: number
  readonly tagged: VersionRange
  readonly ignorable: boolean
  /** null: as the message. */
  readonly flexible: VersionRange | null
  /** Of an array: its element. */
  readonly element: Field | null
  /** Of a struct: its fields, in wire order. */
  readonly fields: Shape | null
  /** Types only; never present. */
  readonly '~value': Value
  readonly '~input': Input
}

export type Shape = { readonly [name: string]: Field }

/** A decoded struct: every field present. */
export type ValueOf<S extends Shape> = { -readonly [K in keyof S]: S[K]['~value'] }
/** A struct to encode: a field left out has its default. */
export type InputOf<S extends Shape> = { readonly [K in keyof S]?: S[K]['~input'] | undefined }

export interface Message<S extends Shape = Shape> {
  readonly name: string
  /** API key of a request or response, record type of a log record, -1 for neither. */
  readonly key: number
  readonly versions: VersionRange
  readonly flexible: VersionRange
  readonly listeners: readonly ListenerType[]
  /** The highest version is not final: not to be advertised unless asked for. */
  readonly latestVersionUnstable: boolean
  readonly fields: S
}

export type ListenerType = 'broker' | 'controller'

/** What decoding a message gives. */
export type Of<M extends Message> = ValueOf<M['fields']>
/** What encoding a message takes. */
export type Init<M extends Message> = InputOf<M['fields']>

export interface MessageOptions {
  readonly key?: number
  readonly versions: Versions
  readonly flexible: Versions
  readonly listeners?: readonly ListenerType[]
  readonly latestVersionUnstable?: boolean
}

export function message<const S extends Shape>(name: string, options: MessageOptions, fields: S): Message<S> {
  return {
    name,
    key: options.key ?? -1,
    versions: parseVersions(options.versions),
    flexible: parseVersions(options.flexible),
    listeners: options.listeners ?? [],
    latestVersionUnstable: options.latestVersionUnstable ?? false,
    fields,
  }
}

type Null<O> = O extends { nullable: string } ? null : never
type Scalar<T, O> = Field<T | Null<O>, T | Null<O>>

function field<F extends Field>(
  kind: FieldKind,
  versions: Versions,
  defaultValue: unknown,
  options: FieldOptions = {},
  inner: { element?: Field; fields?: Shape } = {},
): F {
  const range = parseVersions(versions)
  const tagged = options.tag === undefined ? NO_VERSIONS : options.tagged ? parseVersions(options.tagged) : range
  const made: Omit<Field, '~value' | '~input'> = {
    kind,
    versions: range,
    defaultValue,
    nullable: options.nullable ? parseVersions(options.nullable) : NO_VERSIONS,
    tag: options.tag ?? -1,
    tagged,
    ignorable: options.ignorable ?? false,
    flexible: options.flexible ? parseVersions(options.flexible) : null,
    element: inner.element ?? null,
    fields: inner.fields ?? null,
  }
  return made as F
}

type NumberKind = 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64'

function numeric(kind: NumberKind) {
  return (versions: Versions = '0+', defaultValue = 0, options?: FieldOptions): Field<number, number> =>
    field(kind, versions, defaultValue, options)
}

export const int8 = numeric('int8')
export const int16 = numeric('int16')
export const uint16 = numeric('uint16')
export const int32 = numeric('int32')
export const uint32 = numeric('uint32')
/** A number. Decoding a value outside ±(2^53 - 1) is a ProtocolError: see rawInt64 for the fields that need all 64 bits. */
export const int64 = numeric('int64')
export const float64 = numeric('float64')

export function rawInt64(versions: Versions = '0+', defaultValue = 0n, options?: FieldOptions): Field<bigint, bigint> {
  return field('rawInt64', versions, defaultValue, options)
}

export function bool(versions: Versions = '0+', defaultValue = false, options?: FieldOptions): Field<boolean, boolean> {
  return field('bool', versions, defaultValue, options)
}

export function string<const O extends FieldOptions = FieldOptions>(
  versions: Versions = '0+',
  defaultValue: string | Null<O> = '',
  options?: O,
): Scalar<string, O> {
  return field('string', versions, defaultValue, options)
}

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** 16 bytes, as the 22 characters of url-safe base64 in which Kafka prints them. */
export function uuid(versions: Versions = '0+', options?: FieldOptions): Field<string, string> {
  return field('uuid', versions, ZERO_UUID, options)
}

const NO_BYTES = new Uint8Array(0)

/** Decoded as a view on the frame, not a copy. */
export function bytes<const O extends FieldOptions = FieldOptions>(
  versions: Versions = '0+',
  defaultValue: null | undefined = undefined,
  options?: O,
): Scalar<Uint8Array, O> {
  return field('bytes', versions, defaultValue === undefined ? NO_BYTES : defaultValue, options)
}

/** Record batches: a view on the frame in, a list of slices that are never copied out. */
export type Records = Uint8Array | readonly Uint8Array[]

export function records<const O extends FieldOptions = FieldOptions>(
  versions: Versions = '0+',
  defaultValue: null | undefined = undefined,
  options?: O,
): Field<Uint8Array | Null<O>, Records | Null<O>> {
  return field('records', versions, defaultValue === undefined ? NO_BYTES : defaultValue, options)
}

export function struct<const S extends Shape, const O extends FieldOptions = FieldOptions>(
  fields: S,
  versions: Versions = '0+',
  options?: O & { defaultNull?: boolean },
): Field<ValueOf<S> | Null<O>, InputOf<S> | Null<O>> {
  return field('struct', versions, options?.defaultNull ? null : undefined, options, { fields })
}

/** Of structs, given their fields, or of a scalar, given as `int32()`. */
export function array<const S extends Shape, const O extends FieldOptions = FieldOptions>(
  element: S,
  versions?: Versions,
  options?: O & { defaultNull?: boolean },
): Field<ValueOf<S>[] | Null<O>, readonly InputOf<S>[] | Null<O>>
export function array<const F extends Field, const O extends FieldOptions = FieldOptions>(
  element: F,
  versions?: Versions,
  options?: O & { defaultNull?: boolean },
): Field<F['~value'][] | Null<O>, readonly F['~input'][] | Null<O>>
export function array(
  element: Shape | Field,
  versions: Versions = '0+',
  options: FieldOptions & { defaultNull?: boolean } = {},
): Field {
  const inner = isField(element) ? element : struct(element)
  return field('array', versions, options.defaultNull ? null : undefined, options, { element: inner })
}

function isField(value: Shape | Field): value is Field {
  return typeof value.kind === 'string'
}
