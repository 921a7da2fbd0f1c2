/**
 * What the suite tells: one line a check while it runs, the details of a failure below it, and the counts that end the
 * output. Checks may run side by side; each prints its line when it is done.
 */

export type Outcome = 'pass' | 'fail' | 'skip'

const indent = (text: string) => text.replace(/^/gm, '        ')

export class Report {
  readonly #counts: Record<Outcome, number> = { pass: 0, fail: 0, skip: 0 }
  readonly #only: readonly string[]

  constructor(only: readonly string[]) {
    this.#only = only
  }

  /** Whether the run was asked for what bears this name, or for something in it. */
  wants(name: string): boolean {
    return this.#only.length === 0 || this.#only.some(asked => name.startsWith(asked) || asked.startsWith(`${name}/`))
  }

  /** Runs one check unless it was not asked for. A failure is told and counted, not thrown. Whether it passed. */
  async check(name: string, body: () => Promise<void>): Promise<boolean> {
    if (!this.wants(name)) return true
    const start = performance.now()
    try {
      await body()
      this.#line('pass', name, start)
      return true
    } catch (error) {
      this.#line('fail', name, start)
      console.log(indent(error instanceof Error ? error.message : String(error)))
      return false
    }
  }

  /** A check that can't be made here, and why. */
  skip(name: string, reason: string): void {
    if (this.wants(name)) this.#line('skip', `${name}: ${reason}`)
  }

  note(text: string): void {
    console.log(`      ${text}`)
  }

  #line(outcome: Outcome, text: string, start?: number): void {
    this.#counts[outcome]++
    const seconds = start === undefined ? '' : `  ${((performance.now() - start) / 1000).toFixed(1)} s`
    console.log(`${outcome}  ${text}${seconds}`)
  }

  get failed(): boolean {
    return this.#counts.fail > 0
  }

  /** The line that ends the output. */
  get summary(): string {
    const { pass, fail, skip } = this.#counts
    return `${pass} passed, ${fail} failed, ${skip} skipped`
  }
}
