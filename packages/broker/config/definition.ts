/**
 * What a configuration key is, and the words in which the tables under keys/ are written. A table is a plain object:
 *
 *     'num.partitions': int(1, 'medium', YES, { valid: atLeast(1) },
 *       'Partitions of a topic that is created without a number of its own.'),
 *
 * The TypeScript type of a resolved configuration is inferred from the tables, with Kafka's names in camel case. Names,
 * types, defaults, importance, checks and update modes are Apache Kafka's, and a test compares each with the dump in
 * fixtures/; the documentation and what is honoured are ours.
 */
export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'password' | 'class'

export type Importance = 'high' | 'medium' | 'low'

/** Whether, and for whom, a broker config can be changed while the broker runs. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/**
 * Whether Ottla does what a key says. `not-yet`: it will; until then a value other than the default brings a warning
 * that names the key. `no-effect`: there is nothing here that it could set, and nothing is lost.
 */
export interface Honoured {
  readonly status: 'yes' | 'not-yet' | 'no-effect'
  /** Why not; a clause without a full stop. */
  readonly reason: string
}

export const YES: Honoured = { status: 'yes', reason: '' }

export function notYet(reason: string): Honoured {
  return { status: 'not-yet', reason }
}

export function noEffect(reason: string): Honoured {
  return { status: 'no-effect', reason }
}

/** What a value must be beyond its type: validators.ts has them. */
export interface Validator {
  /** As Kafka's validator prints itself: "[1,...,9]". */
  readonly description: string
  /** Kafka drops repeated entries of a list, with a warning, before it is checked. */
  readonly dropsDuplicates: boolean
  /** null if the value is good. */
  check(value: ConfigValue): string | null
}

/** A secret: it does not show itself in logs, JSON or the debugger. */
export class Password {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  get value(): string {
    return this.#value
  }

  toString(): string {
    return '[hidden]'
  }

  toJSON(): string {
    return '[hidden]'
  }
}

/**
 * A long is a number; past ±(2^53 - 1) it is ±Infinity, which is what Kafka's `Long.MAX_VALUE` means in every config
 * that has it. A short or a double is a number too, a class is its name.
 */
export type ConfigValue = boolean | number | string | Password | readonly string[] | null

export interface ConfigRow<out Value = ConfigValue> {
  readonly type: ConfigType
  /** As it would stand in a file; null: not set; undefined: there is none, the key must be set. */
  readonly defaultText: string | null | undefined
  readonly importance: Importance
  readonly honoured: Honoured
  readonly validator: Validator | null
  readonly updateMode: UpdateMode
  /** Not in Kafka's documentation: for tests and experiments. */
  readonly internal: boolean
  readonly documentation: string
  /** Types only; never present. */
  readonly '~value': Value
}

export interface ConfigKey extends ConfigRow {
  readonly name: string
}

export type ConfigRows = { readonly [name: string]: ConfigRow }

/** A resolved configuration by Kafka's names in camel case: `log.segment.bytes` is `logSegmentBytes`. */
export type ConfigValues<Rows extends ConfigRows> = {
  readonly [Name in keyof Rows as CamelCase<Name & string>]: Rows[Name]['~value']
}

type CamelCase<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

export function camelCase(name: string): string {
  return name.replace(/\.([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

// ---------------------------------------------------------------------------------------------- the words of a table

/** In place of a default: the key must be set. */
export const REQUIRED = Symbol('required')

/** Kafka's `Long.MAX_VALUE`, `Integer.MAX_VALUE` and `Double.MAX_VALUE`, as they are printed. */
export const LONG_MAX = '9223372036854775807'
export const INT_MAX = 2_147_483_647
export const DOUBLE_MAX = '1.7976931348623157E308'

export interface RowOptions {
  readonly valid?: Validator
  readonly update?: UpdateMode
  readonly internal?: boolean
}

type Nullable<Value, Default> = Default extends null ? Value | null : Value
type Facts = [documentation: string] | [options: RowOptions, documentation: string]

function rows<Value>(type: ConfigType) {
  return <const Default extends boolean | number | string | null | typeof REQUIRED>(
    byDefault: Default,
    importance: Importance,
    honoured: Honoured,
    ...facts: Facts
  ): ConfigRow<Nullable<Value, Default>> => {
    const [options, documentation] = facts.length === 2 ? facts : [{} as RowOptions, facts[0]]
    const row: Omit<ConfigRow, '~value'> = {
      type,
      defaultText: byDefault === REQUIRED ? undefined : byDefault === null ? null : String(byDefault),
      importance,
      honoured,
      validator: options.valid ?? null,
      updateMode: options.update ?? 'read-only',
      internal: options.internal ?? false,
      documentation,
    }
    return row as ConfigRow<Nullable<Value, Default>>
  }
}

export const boolean = rows<boolean>('boolean')
export const string = rows<string>('string')
export const int = rows<number>('int')
export const short = rows<number>('short')
export const long = rows<number>('long')
/** Give the default as Java prints it, '2.147483647E9'. */
export const double = rows<number>('double')
/** Give the default as it would stand in a file: 'a,b', or '' for the empty list. */
export const list = rows<readonly string[]>('list')
export const password = rows<Password>('password')
/** A Java class, which Ottla can't load: the name. */
export const className = rows<string>('class')
