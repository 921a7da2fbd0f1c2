/** `kafka-cluster`: the id of the cluster, its nodes, and taking a broker off the list that will not come back. */
import { type ClusterDescription, describeCluster, UnsupportedVersionError, unregisterBroker } from '@ottla/client'
import { ArgumentError } from './argparse.ts'
import type { ToolContext, Where } from './context.ts'
import { argparseTool } from './declaration.ts'
import { inExecution, ToolError } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import type { Options, ParsedOptions } from './options.ts'

const CONNECTION = {
  'bootstrap-server': {
    about: 'Brokers: host:port, several separated by commas.',
    value: 'servers',
    aliases: ['b'],
    oneOf: 'exactly',
  },
  'bootstrap-controller': { about: 'Or controllers.', value: 'servers', aliases: ['C'], oneOf: 'exactly' },
  config: { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the client.', value: 'file', aliases: ['c'] },
} as const satisfies Options

export const kafkaCluster = argparseTool({
  name: 'kafka-cluster',
  about: 'The id of a cluster and its nodes.',
  options: {},
  commands: {
    'cluster-id': {
      about: 'Print the id of the cluster.',
      options: CONNECTION,
      run: (options, context) =>
        context.withCluster(where(options, context), 'listNodes', async cluster => {
          const { clusterId } = await describeCluster(cluster, { endpoints: endpointsOf(options) })
          context.print(`Cluster ID: ${clusterId}`)
        }),
    },
    unregister: {
      about: 'Take a broker off the list that is gone for good.',
      options: { ...CONNECTION, id: { about: 'Its id.', value: 'id', type: 'int', aliases: ['i'], isRequired: true } },
      run: (options, context) =>
        inExecution(
          context.withCluster(where(options, context), 'unregisterBroker', async cluster => {
            const id = options.int('id')!
            try {
              await unregisterBroker(cluster, id)
              context.print(`Broker ${id} is no longer registered.`)
            } catch (error) {
              if (!(error instanceof UnsupportedVersionError)) throw error
              context.print('The target cluster does not support the broker unregistration API.')
            }
          }),
        ),
    },
    'list-endpoints': {
      about: 'List the nodes.',
      options: {
        ...CONNECTION,
        'include-fenced-brokers': { about: 'Those too that are registered and do not serve.' },
      },
      run: listEndpoints,
    },
  },
})

function where(options: ParsedOptions, context: ToolContext): Where {
  if (options.has('config') && options.has('command-config'))
    throw new ArgumentError('--config and --command-config cannot be specified together.')
  if (options.has('config'))
    context.print(
      'Option --config has been deprecated and will be removed in a future version. Use --command-config instead.',
    )
  return {
    bootstrap: options.text('bootstrap-server') ?? options.text('bootstrap-controller'),
    areControllers: options.has('bootstrap-controller'),
    config: options.text('config') ?? options.text('command-config'),
  }
}

function endpointsOf(options: ParsedOptions): 'brokers' | 'controllers' {
  return options.has('bootstrap-controller') ? 'controllers' : 'brokers'
}

async function listEndpoints(options: ParsedOptions, context: ToolContext): Promise<void> {
  const endpoints = endpointsOf(options)
  const includeFenced = options.has('include-fenced-brokers')
  if (includeFenced && endpoints === 'controllers')
    throw new ToolError('The option --include-fenced-brokers is only supported with --bootstrap-server option')
  const work = context.withCluster(where(options, context), 'listNodes', async cluster => {
    try {
      const { nodes } = await describeCluster(cluster, { endpoints, includeFenced })
      for (const line of endpointLines(nodes, endpoints)) context.print(line)
    } catch (error) {
      if (error instanceof UnsupportedVersionError) context.print(error.message)
      else throw error
    }
  })
  await inExecution(work)
}

function endpointLines(nodes: ClusterDescription['nodes'], endpoints: 'brokers' | 'controllers'): string[] {
  const host =
    widthOf(
      0,
      nodes.map(node => node.host),
    ) || 100
  const racks = nodes.flatMap(({ rack }) => (rack === null ? [] : [rack]))
  const rack = racks.length > 0 ? widthOf(0, racks) : 10
  const state = endpoints === 'brokers' ? [10] : []
  const widths = [10, host, 10, rack, ...state, 15]
  const header = ['ID', 'HOST', 'PORT', 'RACK', ...(endpoints === 'brokers' ? ['STATE'] : []), 'ENDPOINT_TYPE']
  const rows = nodes.map(node => [
    node.id,
    node.host,
    node.port,
    node.rack ?? 'null',
    ...(endpoints === 'brokers' ? [node.isFenced ? 'fenced' : 'unfenced'] : []),
    endpoints === 'brokers' ? 'broker' : 'controller',
  ])
  return [header, ...rows].map(row => columns(widths, row))
}
