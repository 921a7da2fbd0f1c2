/**
 * `npm run sim -- log --seeds 1000` runs the log's workload for so many seeds from `--from` (0) on; `--seed N` one, with
 * all that happens. A seed that fails is printed as the command that runs it again.
 */
import { parseArgs } from 'node:util'
import { runLogWorkload, type WorkloadOptions, type WorkloadSummary } from '@ottla/log/testing'

const WORKLOADS: Readonly<Record<string, (options: WorkloadOptions) => Promise<WorkloadSummary>>> = {
  log: runLogWorkload,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '0' },
    lives: { type: 'string', default: '4' },
    steps: { type: 'string', default: '40' },
  },
})

const name = positionals[0] ?? 'log'
const workload = WORKLOADS[name]
if (!workload) {
  console.error(`no workload '${name}': there is ${Object.keys(WORKLOADS).join(', ')}`)
  process.exit(2)
}
const shape = { lives: Number(values.lives), stepsPerLife: Number(values.steps) }

if (values.seed !== undefined) {
  const summary = await workload({ seed: Number(values.seed), ...shape, say: event => console.log(event) })
  console.log(summary)
} else {
  const [from, count] = [Number(values.from), Number(values.seeds)]
  const failed: number[] = []
  let batches = 0
  const startMs = Date.now()
  for (let seed = from; seed < from + count; seed++) {
    try {
      batches += (await workload({ seed, ...shape })).batches
    } catch (error) {
      failed.push(seed)
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
      console.log(
        `npm run sim -- ${name} --seed ${seed} --lives ${shape.lives} --steps ${shape.stepsPerLife}   # ${reason}`,
      )
    }
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(1)
  console.log(`${name}: ${count - failed.length} of ${count} seeds hold, ${batches} batches, ${seconds} s`)
  process.exit(failed.length === 0 ? 0 : 1)
}
