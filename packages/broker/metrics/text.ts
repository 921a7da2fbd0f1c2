/**
 * Metrics as text, in the format that Prometheus scrapes (version 0.0.4). A generator, so that a node with a million series
 * neither holds the event loop nor all of the text: whoever sends it takes as much as the other side does.
 */
import type { CollectedFamily, Labels } from './family.ts'

export const TEXT_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Lines in pieces of about this many characters. */
const PIECE = 16 * 1024

export function* text(families: Iterable<CollectedFamily>): Generator<string, void> {
  let piece = ''
  for (const { name, type, help, samples } of families) {
    let isFirst = true
    for (const { value, labels, suffix } of samples) {
      // Of a family without series nothing is said: it may get some later.
      if (isFirst) piece += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
      isFirst = false
      piece += `${name}${suffix}${labelText(labels)} ${numberText(value)}\n`
      if (piece.length < PIECE) continue
      yield piece
      piece = ''
    }
  }
  if (piece !== '') yield piece
}

function labelText(labels: Labels): string {
  let inner = ''
  for (const name in labels) inner += `${inner === '' ? '' : ','}${name}="${escapeValue(labels[name]!)}"`
  return inner === '' ? '' : `{${inner}}`
}

const SPECIAL = /[\\"\n]/

function escapeValue(value: string | number): string | number {
  if (typeof value === 'number' || !SPECIAL.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
