/** `kafka-broker-api-versions`: which versions of which APIs each broker serves, and which of them this client would use. */
import type { BrokerConnection } from '@ottla/client'
import { ApiKey, apiName, type Message } from '@ottla/protocol'
import { type LoadableApi, loadApi, loadableApis } from '@ottla/protocol/api-schemas'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { isExpected, messageOf } from './java/errors.ts'

const OPTIONS = { 'command-config': COMMAND_CONFIG, 'bootstrap-server': BOOTSTRAP } as const

export const kafkaBrokerApiVersions = joptTool<typeof OPTIONS>({
  name: 'kafka-broker-api-versions',
  about: 'This tool helps to retrieve broker version information.',
  options: OPTIONS,
  async run(options, context) {
    options.required('bootstrap-server')
    const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
    await context.withCluster(where, 'findAllBrokers', async cluster => {
      for (const { id, host, port, rack } of await cluster.nodes()) {
        const node = `${host}:${port} (id: ${id} rack: ${rack} isFenced: false)`
        try {
          const lines = await versionLines(await cluster.broker(id))
          context.print(`${node} -> (\n\t${lines.join(',\n\t')}\n)`)
        } catch (error) {
          if (!isExpected(error)) throw error
          context.print(`${node} -> ERROR: ${messageOf(error)}`)
        }
      }
    })
  },
})

/** What a broker serves, and what clients ask brokers for and this one does not serve, by key. */
async function versionLines({ versions }: BrokerConnection): Promise<string[]> {
  const schemas = new Map<number, Message>()
  for (const name of loadableApis) schemas.set(ApiKey[name as LoadableApi], (await loadApi(name)).request)
  const ofClients = [...schemas.values()].filter(({ listeners }) => listeners.includes('broker')).map(({ key }) => key)
  const keys = [...new Set([...versions.keys(), ...ofClients])].sort((a, b) => a - b)
  return keys.map(key => {
    const name = apiName(key) ?? 'UNKNOWN'
    const theirs = versions.get(key)
    if (!theirs) return `${name}(${key}): UNSUPPORTED`
    const range = theirs.min === theirs.max ? `${theirs.min}` : `${theirs.min} to ${theirs.max}`
    return `${name}(${key}): ${range}${usable(theirs, schemas.get(key))}`
  })
}

function usable(theirs: { min: number; max: number }, ours: Message | undefined): string {
  if (!ours) return ''
  const { min, max } = ours.versions
  if (max < theirs.min) return ' [unusable: node too new]'
  if (theirs.max < min) return ' [unusable: node too old]'
  return ` [usable: ${Math.min(max, theirs.max)}]`
}
