/** `bootstrap.checkpoint`: the records with which the controller of a new cluster begins its log. `format` writes it. */
import { DiskError, type World } from '@ottla/io'
import { MetadataError } from '../errors.ts'
import {
  KRAFT_VERSION,
  LATEST_METADATA_VERSION,
  METADATA_VERSION,
  type MetadataRecord,
  metadataRecord,
} from '../image/index.ts'
import { BOOTSTRAP_CHECKPOINT, readSnapshot, writeSnapshot } from './snapshot-files.ts'

/** metadata.version, then the others by name; kraft.version is not among them, as the quorum keeps it. */
export function bootstrapRecords(levels: ReadonlyMap<string, number>): readonly MetadataRecord[] {
  const others = [...levels].filter(([name, level]) => ![METADATA_VERSION, KRAFT_VERSION].includes(name) && level > 0)
  const all = [
    [METADATA_VERSION, levels.get(METADATA_VERSION)!] as const,
    ...others.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]
  return all.map(([name, featureLevel]) => metadataRecord('FeatureLevelRecord', 0, { name, featureLevel }))
}

/** Of a folder that has none, as Kafka does: the latest metadata.version and nothing else. */
const DEFAULT_BOOTSTRAP = bootstrapRecords(new Map([[METADATA_VERSION, LATEST_METADATA_VERSION]]))

/** Throws a MetadataError if the file is damaged or does not say which metadata.version. */
export async function readBootstrapRecords({ disk }: World, logDir: string): Promise<readonly MetadataRecord[]> {
  const path = `${logDir}/${BOOTSTRAP_CHECKPOINT}`
  const records: MetadataRecord[] = []
  try {
    for await (const batch of readSnapshot(disk, path)) records.push(...batch.records)
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return DEFAULT_BOOTSTRAP
    throw error
  }
  if (records.some(({ type, value }) => type === 'FeatureLevelRecord' && value.name === METADATA_VERSION))
    return records
  throw new MetadataError('ERR_BROKEN_FILE', `${path}: it does not say which ${METADATA_VERSION} the cluster has`)
}

export async function writeBootstrapRecords(
  world: World,
  logDir: string,
  records: readonly MetadataRecord[],
): Promise<void> {
  const content = {
    epoch: 0,
    lastContainedLogTimestamp: 0,
    kraftVersion: 0,
    voters: [],
    records,
    nowMs: world.clock.now(),
  }
  await writeSnapshot(world, logDir, BOOTSTRAP_CHECKPOINT, content)
}
