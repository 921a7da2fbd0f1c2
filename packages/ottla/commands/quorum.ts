/** `ottla quorum …`: who keeps the metadata, how far each is, and who votes. */
import { describeQuorum, removeRaftVoter } from '@ottla/client'
import { confirm } from '../cli/confirm.ts'
import { type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

export async function describe(options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    const { leaderId, voters, observers, highWatermark, endpoints } = await describeQuorum(cluster)
    const end = voters.find(({ replicaId }) => replicaId === leaderId)?.logEndOffset ?? highWatermark
    const row = (role: string) => (one: (typeof voters)[number]) => ({
      node: one.replicaId,
      role: one.replicaId === leaderId ? 'leader' : role,
      end: one.logEndOffset,
      lag: end - one.logEndOffset,
      'caught up': one.lastCaughtUpTimestamp < 0 ? null : new Date(one.lastCaughtUpTimestamp).toISOString(),
      directory: one.replicaDirectoryId,
      endpoints: (endpoints.get(one.replicaId) ?? []).map(({ host, port }) => `${host}:${port}`),
    })
    printRows([...voters.map(row('voter')), ...observers.map(row('observer'))], options)
  })
}

export async function removeVoter(id: number, options: Options & { directory: string; yes?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    await confirm(`let node ${id} vote no more?`, options)
    await removeRaftVoter(cluster, { id, directoryId: options.directory })
    printDone(`node ${id} votes no more`, { node: id, removed: true }, options)
  })
}
