/**
 * `npm run sim -- broker --seeds 1000` runs a workload for so many seeds from `--from` (0) on; `--seed N` runs one, with
 * `--trace` it tells all that happens. A seed that fails is printed as the command that runs it again, with the reason
 * and the last events.
 */
import { parseArgs } from 'node:util'
import { runCompactionWorkload, runLogWorkload } from '@ottla/log/testing'
import { runBrokerWorkload, SimulationError } from './broker/workload.ts'

interface Shape {
  readonly lives: number
  readonly steps: number
}

type Summary = Readonly<Record<string, string | number>>

interface Workload {
  run(seed: number, shape: Shape, say?: (event: string) => void): Promise<Summary>
  /** What `--seed` needs beside itself to run the same again. */
  flags(shape: Shape): string
}

const WORKLOADS: Readonly<Record<string, Workload>> = {
  log: {
    run: async (seed, { lives, steps }, say) => {
      const options = { seed, lives, stepsPerLife: steps, ...(say && { say }) }
      const { hash, ...deleted } = await runLogWorkload(options)
      const { hash: compactedHash, ...compacted } = await runCompactionWorkload(options)
      return { hash: `${hash.slice(0, 32)}${compactedHash.slice(0, 32)}`, ...deleted, ...compacted }
    },
    flags: ({ lives, steps }) => ` --lives ${lives} --steps ${steps}`,
  },
  broker: {
    run: async (seed, _shape, say) => ({ ...(await runBrokerWorkload({ seed, ...(say && { say }) })) }),
    flags: () => '',
  },
}

const USAGE = `npm run sim -- ${Object.keys(WORKLOADS).join('|')} [--seeds N] [--from M] [--seed N [--trace]] [--lives N] [--steps N]`

const { values, positionals } = readArguments()

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string', default: '100' },
        from: { type: 'string', default: '0' },
        lives: { type: 'string', default: '4' },
        steps: { type: 'string', default: '40' },
        trace: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

const name = positionals[0] ?? 'log'
const workload = WORKLOADS[name]
if (!workload) {
  console.error(`no workload '${name}': there is ${Object.keys(WORKLOADS).join(', ')}`)
  process.exit(2)
}
const shape: Shape = { lives: Number(values.lives), steps: Number(values.steps) }
const single = values.seed !== undefined
const [from, count] = single ? [Number(values.seed), 1] : [Number(values.from), Number(values.seeds)]
if (![shape.lives, shape.steps, from, count].every(Number.isSafeInteger)) {
  console.error('--seed, --seeds, --from, --lives and --steps are whole numbers')
  process.exit(2)
}

const totals = new Map<string, number>()
let failed = 0
const startMs = Date.now()
for (let seed = from; seed < from + count; seed++) {
  try {
    const summary = await workload.run(seed, shape, values.trace ? event => console.log(event) : undefined)
    if (single) console.log(summary)
    for (const [what, value] of Object.entries(summary))
      if (typeof value === 'number') totals.set(what, (totals.get(what) ?? 0) + value)
  } catch (error) {
    failed++
    report(seed, error)
  }
}
const seconds = ((Date.now() - startMs) / 1000).toFixed(1)
const sums = [...totals].map(([what, value]) => `${value} ${what}`).join(', ')
console.log(`${name}: ${count - failed} of ${count} seeds hold, ${sums}, ${seconds} s`)
process.exit(failed === 0 ? 0 : 1)

function report(seed: number, error: unknown): void {
  const cause = error instanceof SimulationError ? error.cause : error
  const events = error instanceof SimulationError ? error.lastEvents : []
  for (const event of events) console.log(`    ${event.slice(0, 300)}`)
  console.log(cause instanceof Error ? cause.stack : String(cause))
  console.log(`npm run sim -- ${name} --seed ${seed}${workload!.flags(shape)}${events.length > 0 ? ' --trace' : ''}`)
}
