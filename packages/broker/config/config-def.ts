/**
 * A set of keys, and how raw values are read against it: each into its type, checked, with the default where there is
 * none. What several keys say together is checked elsewhere (broker-rules.ts, topic-config.ts, group-config.ts).
 */
import {
  type ConfigKey,
  type ConfigRow,
  type ConfigRows,
  type ConfigValue,
  type ConfigValues,
  camelCase,
} from './definition.ts'
import { BadValue, type ParsedValue, parseValue } from './values.ts'

/** What is wrong with one key. */
export interface KeyProblem {
  readonly name: string
  /** A whole sentence without the full stop; begins with the name. */
  readonly message: string
}

export interface Parsed<Rows extends ConfigRows> {
  /** By names in camel case. */
  readonly values: ConfigValues<Rows>
  /** By Kafka's names, as Kafka prints them; null: not set. */
  readonly texts: ReadonlyMap<string, string | null>
  readonly problems: readonly KeyProblem[]
  /** Lists whose repeated entries were dropped. */
  readonly duplicates: readonly KeyProblem[]
}

export class ConfigDef<Rows extends ConfigRows = ConfigRows> {
  readonly keys: ReadonlyMap<string, ConfigKey>
  readonly #rows: Rows
  /** What is there when nothing is set, read once: a default is never wrong. Keys without one are missing. */
  readonly #defaultValues: Record<string, ConfigValue> = {}
  readonly #defaultTexts = new Map<string, string | null>()

  constructor(rows: Rows) {
    this.#rows = rows
    this.keys = new Map(Object.entries<ConfigRow>(rows).map(([name, row]) => [name, { name, ...row }]))
    for (const { name, type, defaultText } of this.keys.values()) {
      if (defaultText === undefined) continue
      const parsed = defaultText === null ? null : parseValue(type, defaultText)
      if (parsed instanceof BadValue) throw new Error(`the default of ${name} ${parsed.reason}`)
      this.#defaultValues[camelCase(name)] = parsed?.value ?? null
      this.#defaultTexts.set(name, parsed?.text ?? null)
    }
  }

  /** For spreading into a larger definition. */
  get rows(): Rows {
    return this.#rows
  }

  get(name: string): ConfigKey | undefined {
    return this.keys.get(name)
  }

  /** As Kafka prints it; null: not set. Of a key that has none: null too. */
  defaultText(name: string): string | null {
    return this.#defaultTexts.get(name) ?? null
  }

  /** `raw` by Kafka's names; names that are not in this definition are left alone. */
  parse(raw: ReadonlyMap<string, string>): Parsed<Rows> {
    const values = { ...this.#defaultValues }
    const texts = new Map(this.#defaultTexts)
    const problems: KeyProblem[] = []
    const duplicates: KeyProblem[] = []
    for (const key of this.keys.values()) {
      const { name } = key
      const given = raw.get(name)
      if (given === undefined) {
        if (!texts.has(name)) problems.push({ name, message: `${name} must be set: it has no default` })
        continue
      }
      const result = readValue(key, given)
      if (result instanceof BadValue) {
        problems.push({ name, message: result.reason })
        continue
      }
      values[camelCase(name)] = result.value
      texts.set(name, result.text)
      if (key.validator?.dropsDuplicates && hasDuplicates(given))
        duplicates.push({ name, message: `${name}: entries that are repeated count once: '${given}'` })
    }
    return { values: values as ConfigValues<Rows>, texts, problems, duplicates }
  }
}

/** One value against its key. The reason of a BadValue is a whole sentence here; it never holds a secret. In Kafka's words. */
export function readValue(key: ConfigKey, raw: string): ParsedValue | BadValue {
  let parsed = parseValue(key.type, raw)
  if (!(parsed instanceof BadValue) && key.validator?.dropsDuplicates) {
    const entries = [...new Set(parsed.value as readonly string[])]
    parsed = { value: entries, text: entries.join(',') }
  }
  const reason = parsed instanceof BadValue ? parsed.reason : (key.validator?.check(parsed.value) ?? null)
  if (reason === null) return parsed
  const value = key.type === 'password' ? '[hidden]' : raw
  const subject = key.type === 'string' ? 'String' : 'Value'
  return new BadValue(`Invalid value ${value} for configuration ${key.name}: ${subject} ${reason}`)
}

function hasDuplicates(raw: string): boolean {
  const parsed = parseValue('list', raw) as ParsedValue
  const entries = parsed.value as readonly string[]
  return new Set(entries).size < entries.length
}
