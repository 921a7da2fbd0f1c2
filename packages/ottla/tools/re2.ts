/** Whether RE2, by whose rules brokers read regular expressions, would take one; and what it would say of it. */

const MAX_REPEAT = 1000

/** null: it would. */
export function regexProblem(text: string): string | null {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at)
    const here = text[at]!
    if (here === '\\') {
      if (at + 1 === text.length) return 'trailing backslash at end of expression'
      const escaped =
        /^\\(?:Q.*?(?:\\E|$)|[dDsSwWbBAzCaftnrvE]|x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\}|[pP](?:\{\^?\w+\}|\w)|0|[1-7][0-7]{1,2}|[^a-zA-Z0-9])/s.exec(
          rest,
        )
      if (!escaped) return `invalid escape sequence`
      at += escaped[0].length - 1
    } else if (here === '[') {
      const end = classEnd(text, at)
      if (end < 0) return 'missing closing ]'
      if (isReversed(text.slice(at + 1, end))) return 'invalid character class range'
      at = end
    } else if (here === '{') {
      const [, from, , to] = /^\{(\d+)(,(\d*))?\}/.exec(rest) ?? []
      const isTooMany = Math.max(Number(from ?? 0), Number(to || 0)) > MAX_REPEAT
      if (from !== undefined && (isTooMany || (to && Number(to) < Number(from)))) return 'invalid repeat count'
    } else if (here === '(') {
      if (/^\(\?(?:[=!]|<[=!]|>)/.test(rest)) return 'invalid or unsupported Perl syntax'
      depth++
    } else if (here === ')') {
      if (--depth < 0) return 'regexp/syntax: internal error'
    } else if (/[*+?]/.test(here)) {
      if (at === 0 || (/[(|]/.test(text[at - 1]!) && text[at - 2] !== '\\' && !/^\?[:P<imsU-]/.test(rest)))
        return 'missing argument to repetition operator'
      if (/^[*+?]\??[*+]/.test(rest)) return 'invalid nested repetition operator'
    }
  }
  if (depth > 0) return 'missing closing )'
  return null
}

/** Where the `]` is that belongs to the `[` at `from`; -1 if nowhere. */
function classEnd(text: string, from: number): number {
  let at = from + 1
  if (text[at] === '^') at++
  if (text[at] === ']') at++
  for (; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text.startsWith('[:', at) && text.includes(':]', at)) at = text.indexOf(':]', at) + 1
    else if (text[at] === ']') return at
  }
  return -1
}

/** Whether a range in a character class ends before it begins. */
function isReversed(characters: string): boolean {
  const plain = characters.replaceAll(/\\.|\[:\^?\w+:\]/g, '')
  return [...plain.matchAll(/(.)-(.)/gs)].some(([, from, to]) => to! < from!)
}
