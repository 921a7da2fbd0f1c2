/**
 * The syntax of a `.properties` file, as `java.util.Properties` reads it: comments with # or !, keys and values with
 * `=`, `:` or white space between, a backslash at the end of a line that goes on, and \t \n \r \f \uXXXX.
 */

export interface Property {
  readonly key: string
  readonly value: string
  /** Of the line on which the key begins; the first is 1. */
  readonly line: number
}

export class PropertiesSyntaxError extends Error {
  override readonly name = 'PropertiesSyntaxError'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** In the order of the file, repeated keys included: the last one counts. */
export function parseProperties(text: string): Property[] {
  return logicalLines(text).map(({ content, line }) => {
    const keyEnd = endOfKey(content)
    const valueStart = startOfValue(content, keyEnd)
    return {
      key: unescaped(content.slice(0, keyEnd), line),
      value: unescaped(content.slice(valueStart), line),
      line,
    }
  })
}

interface LogicalLine {
  readonly content: string
  readonly line: number
}

/** Without comments and blank lines, continued lines joined, leading white space gone. */
function logicalLines(text: string): LogicalLine[] {
  const lines = text.split(/\r\n|\r|\n/)
  const result: LogicalLine[] = []
  for (let i = 0; i < lines.length; i++) {
    const first = stripLeading(lines[i]!)
    if (first === '' || first[0] === '#' || first[0] === '!') continue
    const line = i + 1
    let content = first
    while (endsWithOddBackslashes(content)) {
      content = content.slice(0, -1)
      // A continuation is never a comment, and its leading white space does not count.
      if (++i >= lines.length) break
      content += stripLeading(lines[i]!)
    }
    result.push({ content, line })
  }
  return result
}

function stripLeading(line: string): string {
  return line.replace(/^[ \t\f]+/, '')
}

function endsWithOddBackslashes(line: string): boolean {
  let count = 0
  while (count < line.length && line[line.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

/** The first separator that is not escaped. */
function endOfKey(content: string): number {
  for (let i = 0; i < content.length; i++) {
    const char = content[i]!
    if (char === '\\') i++
    else if ('=: \t\f'.includes(char)) return i
  }
  return content.length
}

/** Past white space, at most one `=` or `:`, and white space. */
function startOfValue(content: string, keyEnd: number): number {
  return keyEnd + /^[ \t\f]*[=:]?[ \t\f]*/.exec(content.slice(keyEnd))![0].length
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, line: number): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u([0-9a-fA-F]{4})?|[\s\S]|$)/g, (_, escaped: string, hex: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (escaped === 'u') throw new PropertiesSyntaxError(line, '\\u is not followed by four hexadecimal digits')
    return ESCAPES[escaped] ?? escaped
  })
}
