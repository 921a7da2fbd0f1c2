/** `npm run check`: types, then lint and format, then the tidy rules. All are run even if one fails. */
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'

const root = dirname(import.meta.dirname)
const steps = [
  ['tsc', '--project', '.'],
  ['biome', 'check'],
  ['node', '--test', '--test-reporter=dot', 'scripts/tidy.test.ts'],
]
let failed = 0
for (const [command, ...args] of steps) {
  const { status } = spawnSync(command!, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
