/** `kafka-groups`: the list of groups of all kinds. */
import { type GroupListing, listGroups } from '@ottla/client'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'
import { type ParsedOptions, UsageError } from './options.ts'

const OPTIONS = {
  'bootstrap-server': { ...BOOTSTRAP, isRequired: true },
  'command-config': COMMAND_CONFIG,
  list: { about: 'List groups.' },
  'group-type': { about: 'Only of this type: classic, consumer, share or streams.', value: 'type' },
  protocol: { about: 'Only of this protocol type.', value: 'protocol' },
  consumer: { about: 'Only consumer groups, of either protocol, and those that are nothing but committed offsets.' },
  share: { about: 'Only share groups.' },
  streams: { about: 'Only streams groups.' },
} as const
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const TYPE_NAMES: Readonly<Record<string, string>> = {
  classic: 'Classic',
  consumer: 'Consumer',
  share: 'Share',
  streams: 'Streams',
}

/** As Java's client prints a type, whatever the broker's spelling. */
export function typeName(type: string): string {
  return TYPE_NAMES[type.toLowerCase()] ?? 'Unknown'
}

export const kafkaGroups = joptTool<typeof OPTIONS>({
  name: 'kafka-groups',
  about: 'This tool helps to list groups of all types.',
  options: OPTIONS,
  async run(options, context) {
    if (!options.has('list')) throw new UsageError('Command must include exactly one action: --list.')
    const type = options.text('group-type')?.toLowerCase()
    if (type !== undefined && !TYPE_NAMES[type]) throw new ToolError('--group-type must be a valid group type.')
    options.not('consumer', 'group-type', 'protocol', 'share', 'streams')
    options.not('share', 'consumer', 'group-type', 'protocol', 'streams')
    options.not('streams', 'consumer', 'group-type', 'protocol', 'share')
    const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
    try {
      const groups = await context.withCluster(where, 'findAllBrokers', cluster => listGroups(cluster))
      context.write(table(groups.filter(group => isShown(group, options))))
    } catch (error) {
      context.tell('Error while executing groups command', error)
    }
  },
})

function isShown({ type, protocolType }: GroupListing, options: Parsed): boolean {
  const wantedType = options.text('group-type')?.toLowerCase()
  const protocol = options.text('protocol')
  if (wantedType !== undefined) return type === wantedType && (protocol === null || protocolType === protocol)
  if (protocol !== null) return protocolType === protocol
  if (options.has('consumer')) return protocolType === 'consumer' || protocolType === '' || type === 'consumer'
  if (options.has('share')) return type === 'share'
  return !options.has('streams') || type === 'streams'
}

function table(groups: readonly GroupListing[]): string {
  const rows = hashOrder(groups, ({ groupId }) => stringHash(groupId)).map(({ groupId, type, protocolType }) => [
    groupId,
    type === '' ? '' : typeName(type),
    protocolType,
  ])
  const width = widthOf(20, rows.flat())
  const widths = [width, width, width]
  const lines = [columns(widths, ['GROUP', 'TYPE', 'PROTOCOL']), ...rows.map(row => `${columns(widths, row)} `)]
  return `${lines.join('\n')}\n`
}
