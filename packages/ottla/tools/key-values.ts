/** `key=value` options as Java's tools read them: without a value it is empty, and the last of a key counts. */

export function keyValueMap(pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** As `Boolean.parseBoolean` after trimming. */
export function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true'
}
