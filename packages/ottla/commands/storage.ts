/** `ottla storage …` */
import { formatStorage, storageInfo } from '@ottla/broker'
import { nodeWorld } from '@ottla/io'
import { CommandError, type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { loadNodeConfig, type NodeConfigOptions } from './node-config.ts'

type Options = NodeConfigOptions & OutputOptions

export async function format(options: Options & { clusterId?: string; ignoreFormatted?: boolean }): Promise<void> {
  const world = nodeWorld({ logger: { level: 'warn' } })
  const { config, clusterId } = loadNodeConfig(options, world.logger)
  const wanted = options.clusterId ?? clusterId
  if (wanted !== null && !/^[\w-]{22}$/.test(wanted)) {
    throw new CommandError(
      `'${wanted}' is no cluster id: it has to be 22 characters of url-safe base64, as ${world.random.uuid()}`,
      2,
    )
  }
  const { changed, ...info } = await formatStorage({ world, config }, wanted)
  const dirs = info.logDirs.map(({ path }) => path).join(', ')
  if (!changed && !options.ignoreFormatted) {
    throw new CommandError(
      `${dirs} is formatted already, for cluster ${info.clusterId}; --ignore-formatted leaves it as it is`,
    )
  }
  const sentence = changed ? `formatted ${dirs} for cluster ${info.clusterId}` : `${dirs} was formatted already`
  printDone(sentence, { clusterId: info.clusterId, nodeId: info.nodeId, changed }, options)
}

export async function info(options: Options): Promise<void> {
  const world = nodeWorld({ logger: { level: 'warn' } })
  const { config } = loadNodeConfig(options, world.logger)
  const found = await storageInfo({ world, config })
  if (!found) throw new CommandError(`${config.logDirs.join(', ')} is not formatted`)
  const rows = found.logDirs.map(({ path, directoryId }) => ({
    'log dir': path,
    cluster: found.clusterId,
    node: found.nodeId,
    directory: directoryId,
  }))
  printRows(rows, options)
}
