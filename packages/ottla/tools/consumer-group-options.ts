/** The options of `kafka-consumer-groups`, and which go together. */
import type { ToolContext } from './context.ts'
import { BOOTSTRAP, COMMAND_CONFIG } from './declaration.ts'
import { RESET_OPTIONS, SCENARIOS } from './group-reset.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

export const GROUP_OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  group: { about: 'A group; may be given again.', value: 'group' },
  topic: { about: 'A topic, or partitions of it as topic:0,1,2; may be given again.', value: 'topic' },
  'all-topics': { about: 'All topics that the group has committed offsets of.' },
  list: { about: 'List groups.' },
  describe: { about: 'Show how far groups are behind; or with --members, --state, something else of them.' },
  'all-groups': { about: 'All groups of consumers.' },
  delete: { about: 'Delete groups.' },
  timeout: { about: 'Milliseconds to wait for the cluster.', value: 'ms', default: '30000' },
  'command-config': COMMAND_CONFIG,
  'reset-offsets': { about: 'Move groups without members. With --dry-run, which is the default, or --execute.' },
  'delete-offsets': { about: 'Delete committed offsets.' },
  'dry-run': { about: 'Only say what would be done.' },
  execute: { about: 'Do it.' },
  export: { about: 'Print the new offsets as CSV.' },
  ...RESET_OPTIONS,
  members: { about: 'With --describe: who is in the group.', onlyWith: ['describe'] },
  verbose: { about: 'With --describe: more.', onlyWith: ['describe'] },
  offsets: { about: 'With --describe: how far it is behind, as without it.', onlyWith: ['describe'] },
  state: {
    about: 'With --describe: its state. With --list: states, or only groups in these.',
    value: 'states',
    isValueOptional: true,
    onlyWith: ['describe', 'list'],
  },
  type: {
    about: 'With --list: types, or only groups of these: classic, consumer.',
    value: 'types',
    isValueOptional: true,
    onlyWith: ['list'],
  },
  'validate-regex': { about: 'Say whether a regular expression (RE2) could be subscribed to.', value: 'regex' },
} as const satisfies Options
export type GroupOptions = ParsedOptions<keyof typeof GROUP_OPTIONS>

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets', 'validate-regex'] as const
const WHICH = '[group], [all-groups]'

export function checkGroupOptions(options: GroupOptions, context: ToolContext): void {
  if (!options.has('validate-regex')) options.required('bootstrap-server')
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
    if (options.has('topic'))
      throw new UsageError('The consumer does not support topic-specific offset deletion from a consumer group.')
  }
  if (options.has('delete-offsets') && options.count('group', 'topic') < 2)
    throw new UsageError('Option [delete-offsets] takes the following options: [group], [topic]')
  if (options.has('reset-offsets')) checkReset(options, areGroups, context)
  options.not('group', 'all-groups')
  options.not('group', 'list')
  options.not('topic', 'list', 'describe')
  if (options.count(...ACTIONS) !== 1)
    throw new UsageError(`Command must include exactly one action: ${ACTIONS.map(action => `--${action}`).join(', ')}`)
}

function checkReset(options: GroupOptions, areGroups: boolean, context: ToolContext): void {
  if (options.count('dry-run', 'execute') === 2)
    throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]')
  if (options.count('dry-run', 'execute') === 0)
    context.complain(
      'WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.',
    )
  if (!areGroups) throw new UsageError(`Option [reset-offsets] takes one of these options: ${WHICH}`)
  for (const one of SCENARIOS) options.not(one, ...SCENARIOS)
}
