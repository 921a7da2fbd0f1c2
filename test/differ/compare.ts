/** Where two outcomes differ, in words that are the same for differences of one kind. */
import { show, type Value } from './plan.ts'
import type { Outcome } from './side.ts'

/** `topics[].errorCode: NONE, not UNKNOWN_TOPIC_OR_PARTITION`: what Apache Kafka says, and what Ottla does. */
export function differences(kafka: Outcome, ottla: Outcome): string[] {
  const found: string[] = []
  compare('', kafka as Value, ottla as Value, found)
  return [...new Set(found)]
}

function compare(path: string, kafka: Value, ottla: Value, found: string[]): void {
  if (Array.isArray(kafka) && Array.isArray(ottla)) {
    if (kafka.length !== ottla.length) found.push(`${path}[]: ${kafka.length} of them, not ${ottla.length}`)
    else for (const [i, item] of kafka.entries()) compare(`${path}[]`, item as Value, ottla[i] as Value, found)
    return
  }
  if (isStruct(kafka) && isStruct(ottla)) {
    for (const name of Object.keys(kafka)) compare(`${path}.${name}`, kafka[name]!, ottla[name]!, found)
    return
  }
  if (kafka !== ottla && show(kafka) !== show(ottla)) found.push(`${path}: ${short(kafka)}, not ${short(ottla)}`)
}

function isStruct(value: Value): value is { readonly [name: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function short(value: Value): string {
  const text = typeof value === 'string' ? value : show(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** What makes two differences one for whoever counts: the places without the values that are chance. */
export function signature(api: string, found: readonly string[]): string {
  const places = found.map(text => text.replaceAll(/\$\w+:\d+\.\d+/g, '$').replaceAll(/-?\d+n?/g, '#'))
  return `${api} ${[...new Set(places)].sort().slice(0, 3).join('; ')}`
}
