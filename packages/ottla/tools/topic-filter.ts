/** Topics by a regular expression over the whole name, as `--topic` and `--include` take it. */
import { ToolError } from './java/errors.ts'

const INTERNAL = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

export function isInternalTopic(name: string): boolean {
  return INTERNAL.has(name)
}

/** A comma stands for `|`; blanks and quotation marks around it don't count. */
export function topicFilter(text: string): (topic: string, excludeInternal?: boolean) => boolean {
  const expression = text
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+/, '')
    .replace(/["']+$/, '')
  let regex: RegExp
  try {
    regex = new RegExp(`^(?:${expression})$`)
  } catch {
    throw new ToolError(`${expression} is an invalid regex.`, 'java.lang.RuntimeException')
  }
  return (topic, excludeInternal = false) => regex.test(topic) && !(excludeInternal && isInternalTopic(topic))
}
