/** `kafka-delete-records`: deletes the beginning of partitions, up to offsets that a JSON file names. */
import { deleteRecords, KafkaError, partitionName, type RecordsToDelete } from '@ottla/client'
import { readText } from './context.ts'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { ToolError, textOf } from './java/errors.ts'
import { field, parseJson } from './json.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'offset-json-file': {
    about: 'A file as {"partitions": [{"topic": "foo", "partition": 1, "offset": 1}], "version": 1}. Required.',
    value: 'file',
  },
  'command-config': COMMAND_CONFIG,
} as const

export const kafkaDeleteRecords = joptTool<typeof OPTIONS>({
  name: 'kafka-delete-records',
  about: 'This tool helps to delete records of the given partitions down to the specified offset.',
  options: OPTIONS,
  async run(options, context) {
    options.required('bootstrap-server', 'offset-json-file')
    const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
    const partitions = parseOffsets(readText(options.text('offset-json-file')!))
    context.print('Executing records delete operation')
    const deleted = await context.withCluster(where, 'deleteRecords', async cluster => {
      const results = new Map<string, number | Error>()
      for (const one of partitions) {
        try {
          const result = (await deleteRecords(cluster, [one])).get(partitionName(one))
          results.set(partitionName(one), result?.failure ?? result?.lowWatermark ?? -1)
        } catch (error) {
          // A partition that is not there is no reason to leave the others as they are.
          if (!(error instanceof KafkaError)) throw error
          results.set(partitionName(one), error)
        }
      }
      return results
    })
    context.print('Records delete operation completed:')
    for (const one of partitions) {
      const result = deleted.get(partitionName(one))!
      const text = result instanceof Error ? `error: ${textOf(result)}` : `low_watermark: ${result}`
      context.print(`partition: ${partitionName(one)}\t${text}`)
    }
  },
})

function parseOffsets(text: string): RecordsToDelete[] {
  const json = parseJson(text)
  const version = json.version ?? 1
  if (version !== 1) throw new ToolError(`Not supported version field value ${version}`)
  if (json.partitions === undefined) throw new ToolError('Missing partitions field')
  const partitions = (json.partitions as unknown[]).map(item => ({
    topic: field(item, 'topic', 'string'),
    partition: field(item, 'partition', 'number'),
    offset: field(item, 'offset', 'number'),
  }))
  const names = partitions.map(partitionName)
  const twice = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
  if (twice.length > 0) throw new ToolError(`Offset json file contains duplicate topic partitions: ${twice.join(',')}`)
  return partitions
}
