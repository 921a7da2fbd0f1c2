/** Lines of stdin to records, as Java's LineMessageReader does: `h1:v1,h2:v2<tab>key<tab>value` or less. */
import { StringDecoder } from 'node:string_decoder'
import { ToolError } from './java/errors.ts'
import { isTrue } from './key-values.ts'

const EXCEPTION = 'org.apache.kafka.common.KafkaException'

export interface ReadRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: { key: string; value: Uint8Array | null }[]
}

/** A line ends with \n, \r or \r\n, and with the input. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const bytes of input) {
    rest += decoder.write(Buffer.from(bytes))
    // A \r at the end may have its \n to come.
    const isSplit = rest.endsWith('\r')
    const lines = (isSplit ? rest.slice(0, -1) : rest).split(/\r\n|\n|\r/)
    rest = lines.pop()! + (isSplit ? '\r' : '')
    yield* lines
  }
  rest += decoder.end()
  if (rest !== '') yield* rest.replace(/\r$/, '').split(/\r\n|\n|\r/)
}

export class LineReader {
  readonly #parsesKey: boolean
  readonly #parsesHeaders: boolean
  readonly #keySeparator: string
  readonly #headersDelimiter: string
  readonly #headersSeparator: RegExp
  readonly #headerKeySeparator: string
  readonly #ignoresErrors: boolean
  readonly #nullMarker: string | undefined
  #line = 0

  constructor(properties: ReadonlyMap<string, string>) {
    const own = (name: string, byDefault: string) => properties.get(name) ?? byDefault
    this.#parsesKey = isTrue(properties.get('parse.key'))
    this.#parsesHeaders = isTrue(properties.get('parse.headers'))
    this.#keySeparator = own('key.separator', '\t')
    this.#headersDelimiter = own('headers.delimiter', '\t')
    const separator = own('headers.separator', ',')
    this.#headersSeparator = new RegExp(separator)
    this.#headerKeySeparator = own('headers.key.separator', ':')
    this.#ignoresErrors = isTrue(properties.get('ignore.error'))
    this.#nullMarker = properties.get('null.marker')
    const all = new Map([
      ['headers.delimiter', this.#headersDelimiter],
      ['headers.separator', separator],
      ['headers.key.separator', this.#headerKeySeparator],
    ])
    checkDiffer([...all])
    for (const [name, text] of [['key.separator', this.#keySeparator], ...all] as const)
      if (text === this.#nullMarker) throw new ToolError(`null.marker and ${name} may not be equal`, EXCEPTION)
  }

  read(line: string): ReadRecord {
    this.#line++
    const headers = this.#part(this.#parsesHeaders, line, 0, this.#headersDelimiter, 'headers delimiter')
    const afterHeaders = headers === null ? 0 : headers.length + this.#headersDelimiter.length
    const key = this.#part(this.#parsesKey, line, afterHeaders, this.#keySeparator, 'key separator')
    const afterKey = key === null ? 0 : key.length + this.#keySeparator.length
    return {
      key: key === null ? null : this.#bytes(key),
      value: this.#bytes(line.slice(afterHeaders + afterKey)),
      headers: headers === null || headers === this.#nullMarker ? [] : this.#headers(headers),
    }
  }

  #bytes(text: string): Uint8Array | null {
    return text === this.#nullMarker ? null : Buffer.from(text)
  }

  #part(isWanted: boolean, line: string, from: number, end: string, what: string): string | null {
    if (!isWanted) return null
    const at = line.indexOf(end, from)
    if (at >= 0) return line.slice(from, at)
    if (this.#ignoresErrors) return null
    throw new ToolError(`No ${what} found on line number ${this.#line}: '${line}'`, EXCEPTION)
  }

  #headers(text: string): ReadRecord['headers'] {
    const pairs = text.split(this.#headersSeparator)
    while (pairs.length > 1 && pairs.at(-1) === '') pairs.pop()
    return pairs.map(pair => {
      const at = pair.indexOf(this.#headerKeySeparator)
      if (at < 0 && !this.#ignoresErrors)
        throw new ToolError(`No header key separator found in pair '${pair}' on line number ${this.#line}`, EXCEPTION)
      if (at < 0) return { key: pair, value: null }
      const key = pair.slice(0, at)
      if (key === this.#nullMarker)
        throw new ToolError(
          `Header keys should not be equal to the null marker '${key}' as they can't be null`,
          EXCEPTION,
        )
      return { key, value: this.#bytes(pair.slice(at + this.#headerKeySeparator.length)) }
    })
  }
}

function checkDiffer(named: readonly (readonly [string, string])[]): void {
  for (let i = 0; i < named.length; i++) {
    for (const [name, text] of named.slice(i + 1))
      if (text === named[i]![1]) throw new ToolError(`${named[i]![0]} and ${name} may not be equal`, EXCEPTION)
  }
}
