/** `ottla features …`: which levels the cluster has agreed on, and moving them. */
import { describeFeatures, type FeatureUpdate, UpgradeType, updateFeatures } from '@ottla/client'
import { confirm } from '../cli/confirm.ts'
import { CommandError, ExitCode, type OutputOptions, printRows } from '../cli/output.ts'
import { METADATA_VERSION, versionOfLevel } from '../tools/feature-levels.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

export async function list(options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    const { supported, finalized } = await describeFeatures(cluster)
    const rows = [...supported].sort().map(([feature, { min, max }]) => ({
      feature,
      level: finalized.get(feature) ?? 0,
      lowest: min,
      highest: max,
      version: feature === METADATA_VERSION ? versionOfLevel(finalized.get(feature) ?? 0) : null,
    }))
    printRows(rows, options)
  })
}

export async function set(
  levels: readonly string[],
  options: Options & { down?: boolean; unsafe?: boolean; dryRun?: boolean; yes?: boolean },
): Promise<void> {
  const type = options.unsafe
    ? UpgradeType.unsafeDowngrade
    : options.down
      ? UpgradeType.safeDowngrade
      : UpgradeType.upgrade
  const updates = levels.map((text): FeatureUpdate => {
    const match = /^([\w.]+)=(\d+)$/.exec(text)
    if (!match) throw new CommandError(`'${text}' has to be feature=level`, ExitCode.usage)
    return { feature: match[1]!, level: Number(match[2]), type }
  })
  await withCluster(options, async cluster => {
    if (!options.dryRun) await confirm(`move ${levels.join(', ')}? Not every move can be taken back.`, options)
    const outcomes = await updateFeatures(cluster, updates, { validateOnly: options.dryRun === true })
    for (const refused of outcomes.values()) if (refused) throw refused
    const rows = updates.map(({ feature, level }) => ({ feature, level, done: !options.dryRun }))
    printRows(rows, options)
    if (options.dryRun && !options.json) console.error('dry run: nothing was changed')
  })
}
