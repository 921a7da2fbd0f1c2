/** A broker in this process, and a connection to it that can be made to speak any version. */
import { type Api, BrokerConnection, Cluster } from '@ottla/client'
import type { Init, Message, Of } from '@ottla/protocol'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { type ClusterOptions, createCluster, type EmbeddedCluster } from 'ottla'

export interface InProcess extends AsyncDisposable {
  readonly cluster: EmbeddedCluster
  readonly connection: BrokerConnection
  connect(clientId?: string): Promise<BrokerConnection>
  /** The client with all it knows, for what is not about single requests. */
  readonly client: Cluster
  /** In exactly this version, or in the latest. */
  send<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    version?: number,
  ): Promise<Of<Response>>
  topicId(name: string): Promise<string>
}

export const metadataApi = { request: MetadataRequest, response: MetadataResponse }

export async function inProcess(options: Omit<ClusterOptions, 'transport'> = {}): Promise<InProcess> {
  const cluster = await createCluster({ ...options, transport: 'in-process' })
  const [host = '', port] = cluster.bootstrapServers.split(':')
  const connect = (clientId = 'test'): Promise<BrokerConnection> =>
    BrokerConnection.connect({ world: cluster.world, host, port: Number(port), clientId })
  const connection = await connect()
  const client = new Cluster({ world: cluster.world, bootstrapServers: [{ host, port: Number(port) }] })
  return {
    cluster,
    connection,
    client,
    connect,
    send: (api, value, version) =>
      connection.send(api, value, version === undefined ? {} : { maxVersion: version, timeoutMs: 10_000 }),
    async topicId(name) {
      const { topics } = await connection.send(metadataApi, { topics: [{ name }], allowAutoTopicCreation: false })
      return topics[0]!.topicId
    },
    async [Symbol.asyncDispose]() {
      connection.close()
      await client.close()
      await cluster.close()
    },
  }
}
