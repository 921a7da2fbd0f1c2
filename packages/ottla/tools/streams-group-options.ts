/** The options of `kafka-streams-groups`, and which go together. */
import { BOOTSTRAP, COMMAND_CONFIG } from './declaration.ts'
import { RESET_OPTIONS, SCENARIOS } from './group-reset.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

export const STREAMS_OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  group: { about: 'A group; may be given again.', value: 'streams group' },
  'input-topic': {
    about: 'A topic that the application reads, or partitions of it as topic:0,1,2; may be given again.',
    value: 'topic',
  },
  'all-input-topics': { about: 'All topics that the application reads.' },
  list: { about: 'List groups.' },
  describe: { about: 'Show how far groups are behind; or with --members, --state, something else of them.' },
  'all-groups': { about: 'All streams groups.' },
  delete: { about: 'Delete groups.' },
  'delete-offsets': { about: 'Delete committed offsets.' },
  timeout: { about: 'Milliseconds to wait for the cluster.', value: 'ms', default: '30000' },
  'command-config': COMMAND_CONFIG,
  state: {
    about: 'With --describe: its state. With --list: states, or only groups in these.',
    value: 'states',
    isValueOptional: true,
    onlyWith: ['list', 'describe'],
  },
  members: { about: 'With --describe: who is in the group.', onlyWith: ['describe'] },
  offsets: { about: 'With --describe: how far it is behind, as without it.', onlyWith: ['describe'] },
  'reset-offsets': { about: 'Move groups without members. Needs --dry-run or --execute.' },
  ...RESET_OPTIONS,
  'delete-internal-topic': {
    about: 'With --reset-offsets --execute: delete this topic, which the application has made; may be given again.',
    value: 'topic',
  },
  'delete-all-internal-topics': {
    about: 'With --delete, or --reset-offsets --execute: all that the application has made.',
  },
  verbose: { about: 'With --describe: more.', onlyWith: ['describe'] },
  'dry-run': { about: 'Only say what would be done.' },
  execute: { about: 'Do it.' },
  export: { about: 'Print the new offsets as CSV.' },
} as const satisfies Options
export type StreamsOptions = ParsedOptions<keyof typeof STREAMS_OPTIONS>

const WHICH = '[all-groups], [group]'

export function checkStreamsOptions(options: StreamsOptions): void {
  options.required('bootstrap-server')
  const areGroups = options.count('group', 'all-groups') > 0
  if (options.has('describe')) {
    if (!areGroups) throw new UsageError(`Option [describe] takes one of these options: ${WHICH}`)
    if (options.count('members', 'offsets', 'state') > 1)
      throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]')
    if (options.has('state') && options.text('state') !== null)
      throw new UsageError('Option [describe] does not take a value for [state]')
  }
  if (options.has('delete')) {
    if (!areGroups) throw new UsageError(`Option [delete] takes one of these options: ${WHICH}`)
    if (options.count('input-topic', 'all-input-topics') > 0)
      throw new UsageError('Kafka Streams does not support topic-specific offset deletion from a streams group.')
  }
  if (options.has('delete-offsets')) checkDeleteOffsets(options)
  if (options.has('reset-offsets')) checkReset(options, areGroups)
  if (options.count('delete-all-internal-topics', 'delete-internal-topic') > 0) checkInternalTopics(options)
  if (options.count('dry-run', 'execute') > 0 && !options.has('reset-offsets'))
    throw new UsageError('Only Option [reset-offsets] accepts [execute] or [dry-run]')
  options.not('list', 'members', 'offsets')
  options.not('group', 'all-groups')
  options.not('group', 'list')
  options.not('input-topic', 'list', 'describe', 'delete')
  if (options.count('list', 'describe', 'reset-offsets', 'delete', 'delete-offsets') !== 1)
    throw new UsageError(
      'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, or --delete-offsets.',
    )
}

function checkDeleteOffsets(options: StreamsOptions): void {
  if (options.count('input-topic', 'all-input-topics') === 0 || !options.has('group'))
    throw new UsageError(
      'Option [delete-offsets] takes the [group] and one of these options: [all-input-topics], [input-topic]',
    )
  const groups = options.texts('group')
  if (groups.length > 1)
    throw new UsageError(
      `Option [delete-offsets] supports only one [group] at a time, but found: [${groups.join(', ')}]`,
    )
}

function checkReset(options: StreamsOptions, areGroups: boolean): void {
  if (options.count('dry-run', 'execute') === 2)
    throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]')
  if (options.count('dry-run', 'execute') === 0)
    throw new UsageError('Option [reset-offsets] takes the option: [execute] or [dry-run]')
  if (!areGroups) throw new UsageError(`Option [reset-offsets] takes one of these options: ${WHICH}`)
  for (const one of SCENARIOS) options.not(one, ...SCENARIOS)
}

function checkInternalTopics(options: StreamsOptions): void {
  const isExecuted = options.has('execute')
  if (options.has('delete-all-internal-topics')) {
    if (options.count('reset-offsets', 'delete') === 0)
      throw new UsageError('Option [delete-all-internal-topics] takes one of these options: [delete], [reset-offsets]')
    if (options.has('reset-offsets') && !isExecuted)
      throw new UsageError('Option [delete-all-internal-topics] takes [execute] when [reset-offsets] is used.')
  } else if (!options.has('reset-offsets') || !isExecuted)
    throw new UsageError('Option [delete-internal-topic] takes [reset-offsets] when [execute] is used.')
}
