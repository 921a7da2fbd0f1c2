/** Suites in Go: a module of the module cache, whose own tests are compiled there and asked what they did. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, run } from '../interop/process.ts'
import { add, type Outcome, type Outcomes } from './outcomes.ts'
import type { Prepared } from './suite.ts'

const OUTCOMES: Readonly<Record<string, Outcome>> = { pass: 'passed', fail: 'failed', skip: 'skipped' }

export interface GoTests {
  /** `path@version` */
  readonly module: string
  /** Of the package in the module. */
  readonly folder: string
  readonly env: (bootstrap: string) => Record<string, string>
  /** Of the build. */
  readonly tags?: string
  /** Where its tests want more than one broker, and one does as well. */
  readonly edits?: readonly Edit[]
  /** Regular expressions of tests that end the process, or that wait for what isn't there. */
  readonly skip?: readonly string[]
  readonly timeoutMinutes: number
}

interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

export async function prepareGo(tests: GoTests, cache: string): Promise<Prepared> {
  const downloaded = await must(['go', 'mod', 'download', '-json', tests.module], { timeoutMs: 180_000 })
  const { Dir } = JSON.parse(downloaded) as { Dir: string }
  const root = tests.edits ? await editedCopy(Dir, tests.edits, join(cache, 'module')) : Dir
  const folder = join(root, tests.folder)
  const program = join(cache, 'suite.test')
  // Where the module is nobody may write, and not every go.mod is complete.
  const modfile = join(cache, 'go.mod')
  for (const name of ['go.mod', 'go.sum']) writeFileSync(join(cache, name), readFileSync(join(root, name)))
  const build = ['go', 'test', '-c', '-mod=mod', `-modfile=${modfile}`, '-o', program]
  if (tests.tags) build.push('-tags', tests.tags)
  await must([...build, '.'], { cwd: folder, timeoutMs: 300_000 })
  return {
    async run(bootstrap, log) {
      const { timeoutMinutes, skip = [] } = tests
      const options = ['-test.v=test2json', '-test.count=1', `-test.timeout=${timeoutMinutes}m`]
      if (skip.length > 0) options.push(`-test.skip=${skip.join('|')}`)
      const { stdout, stderr } = await run(['go', 'tool', 'test2json', program, ...options], {
        cwd: folder,
        env: tests.env(bootstrap),
        timeoutMs: (timeoutMinutes + 1) * 60_000,
      })
      log(stderr)
      return readEvents(stdout, log)
    },
  }
}

async function editedCopy(root: string, edits: readonly Edit[], copy: string): Promise<string> {
  rmSync(copy, { recursive: true, force: true })
  cpSync(root, copy, { recursive: true })
  // In the module cache all is read-only.
  await must(['chmod', '-R', 'u+w', copy])
  for (const { file, from, to } of edits) {
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    if (!text.includes(from)) throw new Error(`${file} no longer says ${from}`)
    writeFileSync(path, text.replaceAll(from, to))
  }
  return copy
}

interface TestEvent {
  readonly Action: string
  readonly Test?: string
  readonly Output?: string
}

/** Lines of JSON, as `go help test` tells; what a test has said goes to the log. */
export function readEvents(text: string, log: (text: string) => void): Outcomes {
  const outcomes = new Map<string, Outcome>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const { Action, Test, Output } = JSON.parse(line) as TestEvent
    if (Output !== undefined) log(Output)
    const outcome = OUTCOMES[Action]
    if (Test && outcome) add(outcomes, Test, outcome)
  }
  return withoutParents(outcomes)
}

/** A test that has others in it comes to what they come to, unless it fails by itself. */
function withoutParents(outcomes: Outcomes): Outcomes {
  const parents = new Map<string, boolean>()
  for (const [name, outcome] of outcomes) {
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const parent = name.slice(0, end)
      parents.set(parent, outcome === 'failed' || (parents.get(parent) ?? false))
    }
  }
  const says = ([name, outcome]: [string, Outcome]) =>
    !parents.has(name) || (outcome === 'failed' && parents.get(name) === false)
  return new Map([...outcomes].filter(says))
}
