/** What bin/ottla.js loads in the published package. */
import { load } from './load.ts'

const { getCompileCacheDir } = process.getBuiltinModule('node:module')

/** By then a broker has started, and has all that it needs for it. */
const KEEP_AFTER_MS = 2000

export async function main(args: readonly string[]): Promise<void> {
  const { bundle, keep } = load(args[0] === 'start' ? 'start' : 'client', getCompileCacheDir?.() ?? null)
  setTimeout(keep, KEEP_AFTER_MS).unref()
  process.once('exit', keep)
  await bundle.main(args)
}
