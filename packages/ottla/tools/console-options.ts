/** The options of `kafka-console-consumer`, and which go together. */
import { loadProperties, type ToolContext } from './context.ts'
import { BOOTSTRAP } from './declaration.ts'
import { keyValueMap } from './key-values.ts'
import { DEFAULT_FORMATTER } from './message-formatter.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

export const CONSUMER_OPTIONS = {
  topic: { about: 'What to read.', value: 'topic' },
  include: { about: 'Or all topics that match a regular expression.', value: 'regex' },
  partition: { about: 'Only this one; from its end unless --offset says otherwise.', value: 'partition' },
  offset: { about: 'With --partition: an offset, earliest or latest.', value: 'offset', default: 'latest' },
  'consumer-property': { about: 'An older name of --command-property.', value: 'key=value' },
  'command-property': { about: 'A config of the consumer; may be given again.', value: 'key=value' },
  'consumer.config': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the consumer.', value: 'file' },
  formatter: {
    about: 'How records are printed: DefaultMessageFormatter or NoOpMessageFormatter.',
    value: 'class',
    default: DEFAULT_FORMATTER,
  },
  property: { about: 'An older name of --formatter-property.', value: 'key=value' },
  'formatter-property': {
    about:
      'What is printed: print.timestamp, print.key, print.offset, print.epoch, print.partition, print.headers, print.value (true or false), key.separator, line.separator, headers.separator, null.literal, key.deserializer, value.deserializer, headers.deserializer. May be given again.',
    value: 'key=value',
  },
  'formatter-config': { about: 'A properties file with the same.', value: 'file' },
  'from-beginning': { about: 'From the first record on, where the group has committed nothing.' },
  'max-messages': { about: 'Stop after as many.', value: 'count' },
  'timeout-ms': { about: 'Stop when nothing came for so long.', value: 'ms' },
  'skip-message-on-error': { about: 'Go on with the next where a record could not be printed.' },
  'bootstrap-server': BOOTSTRAP,
  'key-deserializer': { about: 'A class of org.apache.kafka.common.serialization, for keys.', value: 'class' },
  'value-deserializer': { about: 'The same for values.', value: 'class' },
  'enable-systest-events-logging': { about: 'Say so at the end.' },
  'isolation-level': {
    about: 'read_committed leaves out open and aborted transactions.',
    value: 'level',
    default: 'read_uncommitted',
  },
  group: { about: 'Read as a member of this group.', value: 'group id' },
} as const satisfies Options
export type ConsumerOptions = ParsedOptions<keyof typeof CONSUMER_OPTIONS>

export function checkConsumerOptions(options: ConsumerOptions, context: ToolContext): void {
  if (options.count('topic', 'include') !== 1)
    throw new UsageError('Exactly one of the following arguments is required: [topic], [include]')
  if (options.has('partition')) {
    if (!options.has('topic')) throw new UsageError('The topic is required when partition is specified.')
    if (options.has('from-beginning') && options.has('offset'))
      throw new UsageError('Options from-beginning and offset cannot be specified together.')
  } else if (options.has('offset')) throw new UsageError('The partition is required when offset is specified.')
  options.required('bootstrap-server')
  const pairs = [
    ['consumer-property', 'command-property'],
    ['consumer.config', 'command-config'],
  ] as const
  for (const [before, now] of pairs)
    if (options.count(before, now) === 2)
      throw new UsageError(`Options --${before} and --${now} cannot be specified together.`)
  if (options.count('property', 'formatter-property') === 2)
    throw new UsageError('Options --property and --formatter-property cannot be specified together.')
  for (const [before, now] of [...pairs, ['property', 'formatter-property'] as const])
    if (options.has(before))
      context.print(`Option --${before} is deprecated and will be removed in a future version. Use --${now} instead.`)
  checkOffset(options)
}

function checkOffset(options: ConsumerOptions): void {
  if (!options.has('offset')) return
  const offset = options.text('offset')!
  const isNumber = /^\+?\d+$/.test(offset) && BigInt(offset) < 2n ** 63n
  if (!isNumber && !['earliest', 'latest'].includes(offset.toLowerCase()))
    throw new UsageError(
      `The provided offset value '${offset}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.`,
    )
}

type FormatterOption =
  | 'formatter-config'
  | 'key-deserializer'
  | 'value-deserializer'
  | 'formatter-property'
  | 'property'

export function formatterProperties(options: ParsedOptions<FormatterOption>): Map<string, string> {
  const file = options.text('formatter-config')
  const properties = file === null ? new Map<string, string>() : loadProperties(file)
  for (const part of ['key', 'value'] as const) {
    const className = options.text(`${part}-deserializer`)
    if (className) properties.set(`${part}.deserializer`, className)
  }
  const given = keyValueMap([...options.texts('formatter-property'), ...options.texts('property')])
  for (const [key, value] of given) properties.set(key, value)
  return properties
}
