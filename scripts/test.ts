/**
 * `npm test`: every `*.test.ts` beside the code, by node:test. Arguments are passed on: `npm test -- packages/log`
 * runs one folder, `npm test -- --test-name-pattern=roll` one name.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname } from 'node:path'

const root = dirname(import.meta.dirname)
const [flags, places] = [
  process.argv.slice(2).filter(a => a.startsWith('-')),
  process.argv.slice(2).filter(a => !a.startsWith('-')),
]
const patterns = (places.length > 0 ? places : ['packages', 'scripts', 'test/e2e', 'examples']).map(place =>
  place.endsWith('.ts') ? place : `${place.replace(/\/$/, '')}/**/*.test.ts`,
)
const files = globSync(patterns, { cwd: root, exclude: path => path.includes('node_modules') }).sort()
if (files.length === 0) {
  console.error(`no test files in ${places.join(' ')}`)
  process.exit(2)
}
const reporter = flags.some(flag => flag.startsWith('--test-reporter')) ? [] : ['--test-reporter=dot']
const { status } = spawnSync(process.execPath, ['--test', ...reporter, ...flags, ...files], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
