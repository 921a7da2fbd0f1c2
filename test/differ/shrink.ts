/** The shortest plan that still ends in the same difference: steps are left out, then elements of what is asked for. */
import { isMade, type Request, type Step, type Value } from './plan.ts'

export type Fails = (plan: readonly Step[]) => Promise<boolean>

const MAX_TRIES = 300

export async function shrink(plan: readonly Step[], fails: Fails): Promise<readonly Step[]> {
  let tries = 0
  const stillFails = async (candidate: readonly Step[]) => tries++ < MAX_TRIES && (await fails(candidate))
  const fewer = await withoutSteps(plan, stillFails)
  return await withoutElements(fewer, stillFails)
}

/** Halves, quarters and so on, down to single ones; the last step stays. */
async function withoutSteps(plan: readonly Step[], fails: Fails): Promise<readonly Step[]> {
  let kept = plan
  for (let size = kept.length >> 1; size >= 1; size >>= 1) {
    for (let end = kept.length - 1; end > 0; end -= size) {
      const start = Math.max(0, end - size)
      const candidate = [...kept.slice(0, start), ...kept.slice(end)]
      if (candidate.length < kept.length && (await fails(candidate))) kept = candidate
    }
  }
  return kept
}

async function withoutElements(plan: readonly Step[], fails: Fails): Promise<readonly Step[]> {
  let kept = [...plan]
  for (let i = kept.length - 1; i >= 0; i--) {
    for (let again = true; again; ) {
      again = false
      for (const request of smaller(kept[i]!.request)) {
        const candidate = kept.with(i, { ...kept[i]!, request: request as Request })
        if (!(await fails(candidate))) continue
        kept = candidate
        again = true
        break
      }
    }
  }
  return kept
}

/** All values that lack one element of one array. */
function* smaller(value: Value): Generator<Value> {
  if (Array.isArray(value)) {
    const items = value as readonly Value[]
    if (items.length > 1) for (const i of items.keys()) yield items.toSpliced(i, 1)
    for (const [i, item] of items.entries()) for (const less of smaller(item)) yield items.with(i, less)
  } else if (typeof value === 'object' && value !== null && !isMade(value)) {
    for (const [name, field] of Object.entries(value))
      for (const less of smaller(field as Value)) yield { ...value, [name]: less }
  }
}
