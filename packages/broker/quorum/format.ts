/**
 * Makes the metadata log dir ready for its first start, as `kafka-storage format --standalone` does: the records that an
 * empty log begins with (bootstrap.checkpoint), and a snapshot of nothing but the voters, which is this node alone.
 * meta.properties are the log manager's.
 */
import type { World } from '@ottla/io'
import type { LogManager } from '@ottla/log'
import {
  defaultFeatureLevel,
  FEATURES,
  KRAFT_VERSION,
  LATEST_METADATA_VERSION,
  METADATA_VERSION,
  type MetadataRecord,
  metadataRecord,
} from '../image/index.ts'
import { writeBootstrapRecords } from './bootstrap.ts'
import { METADATA_FOLDER } from './metadata-log.ts'
import { BOOTSTRAP_CHECKPOINT, INITIAL_SNAPSHOT, snapshotName, writeSnapshot } from './snapshot-files.ts'
import { makeVoter, type VoterEndpoint } from './voters.ts'

export interface FormatOptions {
  readonly world: World
  readonly logs: LogManager
  /** metadata.log.dir */
  readonly logDir: string
  readonly nodeId: number
  readonly endpoints: readonly VoterEndpoint[]
  /** controller.quorum.voters is set: the voters are not written, and kraft.version stays 0. */
  readonly hasStaticVoters: boolean
}

const KRAFT_VERSION_WITH_VOTERS = 1

/** False if it was formatted before; then nothing is changed. */
export async function formatIfNeeded(options: FormatOptions): Promise<boolean> {
  const { world, logs, logDir, nodeId, endpoints } = options
  const { disk, clock } = world
  const folder = `${logDir}/${METADATA_FOLDER}`
  if ((await disk.stat(`${logDir}/${BOOTSTRAP_CHECKPOINT}`)) || (await disk.stat(folder))) return false
  if (!options.hasStaticVoters) {
    await disk.makeDirectory(folder)
    await writeSnapshot(disk, folder, snapshotName(INITIAL_SNAPSHOT), {
      epoch: INITIAL_SNAPSHOT.epoch,
      nowMs: clock.now(),
      lastContainedLogTimestamp: clock.now(),
      kraftVersion: KRAFT_VERSION_WITH_VOTERS,
      voters: [makeVoter(nodeId, logs.directoryIds.get(logDir)!, endpoints)],
      records: [],
    })
  }
  // Last, as it says that the rest is there.
  await writeBootstrapRecords(world, logDir, bootstrapRecords())
  return true
}

/** Every feature at the level that this release begins with. */
function bootstrapRecords(): MetadataRecord[] {
  const level = (name: string, featureLevel: number) => metadataRecord('FeatureLevelRecord', 0, { name, featureLevel })
  const others = FEATURES.filter(({ name }) => name !== KRAFT_VERSION)
    .map(feature => level(feature.name, defaultFeatureLevel(feature, LATEST_METADATA_VERSION)))
    .filter(({ value }) => 'featureLevel' in value && value.featureLevel > 0)
  return [level(METADATA_VERSION, LATEST_METADATA_VERSION), ...others]
}
