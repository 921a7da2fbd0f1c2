/**
 * What a suite's run came to: one outcome for each of its tests, kept as lines `passed NAME` in expected/, and what is
 * different between two of them. Names are as the suite gives them, without what changes from run to run.
 */

export type Outcome = 'passed' | 'failed' | 'skipped'
export type Outcomes = ReadonlyMap<string, Outcome>

export interface Comparison {
  /** Each with what was expected and what came, `not run` where there is none. */
  readonly different: readonly string[]
  /** Different for a reason that is known. */
  readonly known: readonly string[]
  /** Named as different, or as a matter of luck, but no test is called so any more. */
  readonly stale: readonly string[]
}

/** Tests whose outcome is another one for a reason: the reason, by name; `*` at its end stands for any rest of it. */
export type Reasons = Readonly<Record<string, string>>

export function format(outcomes: Outcomes): string {
  const lines = Array.from(outcomes, ([name, outcome]) => `${outcome} ${name}\n`)
  return lines.sort((a, b) => compareText(nameOf(a), nameOf(b))).join('')
}

export function parse(text: string): Outcomes {
  const outcomes = new Map<string, Outcome>()
  for (const line of text.split('\n')) {
    const found = /^(passed|failed|skipped) (.+)$/.exec(line)
    if (found) outcomes.set(found[2]!, found[1] as Outcome)
    else if (line !== '') throw new Error(`no outcome: ${line}`)
  }
  return outcomes
}

/** A test that ran under several names, or several times, has failed if it failed in one of them. */
export function add(outcomes: Map<string, Outcome>, name: string, outcome: Outcome): void {
  const before = outcomes.get(name)
  if (before !== 'failed' && !(before === 'passed' && outcome === 'skipped')) outcomes.set(name, outcome)
}

export function compare(expected: Outcomes, found: Outcomes, reasons: Reasons): Comparison {
  const names = [...new Set([...expected.keys(), ...found.keys()])].sort(compareText)
  const used = new Set<string>()
  const different: string[] = []
  const known: string[] = []
  for (const name of names) {
    const reason = reasonFor(name, reasons)
    if (reason) used.add(reason)
    const [before, now] = [expected.get(name) ?? 'not run', found.get(name) ?? 'not run']
    if (before === now) continue
    if (reason) known.push(`${name}: ${before} by Apache Kafka, ${now} here: ${reasons[reason]}`)
    else different.push(`${name}: ${before} by Apache Kafka, ${now} here`)
  }
  return { different, known, stale: Object.keys(reasons).filter(reason => !used.has(reason)) }
}

function reasonFor(name: string, reasons: Reasons): string | undefined {
  return Object.keys(reasons).find(key => (key.endsWith('*') ? name.startsWith(key.slice(0, -1)) : name === key))
}

function nameOf(line: string): string {
  return line.slice(line.indexOf(' ') + 1)
}

/** The same on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
