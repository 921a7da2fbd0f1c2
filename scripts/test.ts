/**
 * `npm test`: every `*.test.ts` beside the code, by node:test. Arguments are passed on: `npm test -- packages/log`
 * runs one folder, `npm test -- --test-name-pattern=roll` one name. The last line counts.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Milliseconds: one that waits for what never comes would wait for ever. */
const TIMEOUT = '--test-timeout=300000'
const root = dirname(import.meta.dirname)
const [flags, places] = [
  process.argv.slice(2).filter(a => a.startsWith('-')),
  process.argv.slice(2).filter(a => !a.startsWith('-')),
]
const patterns = (places.length > 0 ? places : ['packages', 'scripts', 'test/e2e', 'test/suites', 'examples']).map(
  place => (place.endsWith('.ts') ? place : `${place.replace(/\/$/, '')}/**/*.test.ts`),
)
const files = globSync(patterns, { cwd: root, exclude: path => path.includes('node_modules') }).sort()
if (files.length === 0) {
  console.error(`no test files in ${places.join(' ')}`)
  process.exit(2)
}
if (flags.some(flag => flag.startsWith('--test-reporter'))) {
  process.exit(run(flags))
} else {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-test-'))
  const tap = join(folder, 'tap')
  const reporters = ['dot', 'stdout', 'tap', tap].map((value, i) =>
    i % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  )
  const status = run([...reporters, ...flags])
  const report = readFileSync(tap, 'utf8')
  rmSync(folder, { recursive: true })
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(report)?.[1] ?? 0)
  const cancelled = count('cancelled')
  // The dots say nothing of a test that never ended.
  if (cancelled > 0) console.log(`\n${report.match(/^ *not ok .*$/gm)?.join('\n')}`)
  console.log(
    `\n${count('pass')} passed, ${count('fail') + cancelled} failed, ${count('skipped') + count('todo')} skipped`,
  )
  process.exit(status)
}

function run(options: readonly string[]): number {
  const { status } = spawnSync(process.execPath, ['--test', TIMEOUT, ...options, ...files], {
    cwd: root,
    stdio: 'inherit',
  })
  return status ?? 1
}
