/** What kafka-consumer-perf-test and kafka-share-consumer-perf-test have in common: options, and how figures are printed. */
import type { ToolContext } from './context.ts'
import { loadProperties } from './context.ts'
import { BOOTSTRAP } from './declaration.ts'
import { type DateFormat, dateFormat } from './java/date-format.ts'
import { ToolError } from './java/errors.ts'
import { keyValueMap } from './key-values.ts'
import { OptionError, type Options, type ParsedOptions } from './options.ts'

export const PERF_OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'fetch-size': { about: 'Bytes that are fetched at once.', value: 'size', default: '1048576' },
  'command-property': { about: 'A config of the consumer; may be given again.', value: 'key=value' },
  'socket-buffer-size': { about: 'Has no effect.', value: 'size', default: '2097152' },
  'consumer.config': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': { about: 'A properties file for the consumer.', value: 'file' },
  'print-metrics': { about: 'Has no effect: there are no metrics of this client yet.' },
  'show-detailed-stats': { about: 'Tell how it goes at each --reporting-interval.' },
  timeout: { about: 'Stop when nothing came for so long.', value: 'ms', isValueOptional: true, default: '10000' },
  messages: { about: 'An older name of --num-records.', value: 'count' },
  'num-records': { about: 'How many records. Required.', value: 'count' },
  'reporting-interval': { about: 'How often to tell how it goes.', value: 'ms', default: '5000' },
  'date-format': {
    about: "How times are written, as Java's SimpleDateFormat takes it.",
    value: 'format',
    default: 'yyyy-MM-dd HH:mm:ss:SSS',
  },
  'hide-header': { about: 'Leave out the names of the figures.' },
} as const satisfies Options
type PerfOptions = ParsedOptions<keyof typeof PERF_OPTIONS>

const MIB = 1024 * 1024

/** Which of the older names are used. */
export function warnOfOlderNames(options: PerfOptions, context: ToolContext): void {
  for (const [before, now] of [
    ['messages', 'num-records'],
    ['consumer.config', 'command-config'],
  ] as const)
    if (options.has(before)) context.print(`Warning: --${before} is deprecated. Use --${now} instead.`)
  context.haveNoEffect((['print-metrics', 'socket-buffer-size'] as const).filter(name => options.has(name)))
}

export interface PerfPlan {
  readonly records: number
  readonly timeoutMs: number
  readonly intervalMs: number
  readonly isDetailed: boolean
  readonly date: DateFormat
}

export function perfPlan(options: PerfOptions): PerfPlan {
  const interval = options.text('reporting-interval')!
  if (!/^\d+$/.test(interval)) throw new OptionError(`Cannot parse argument '${interval}' of option reporting-interval`)
  if (Number(interval) === 0) throw new ToolError('Reporting interval must be greater than 0.')
  return {
    records: options.long(options.has('messages') ? 'messages' : 'num-records')!,
    timeoutMs: options.long('timeout')!,
    intervalMs: Number(interval),
    isDetailed: options.has('show-detailed-stats'),
    date: dateFormat(options.text('date-format')!),
  }
}

/** Of the file and of --command-property; what the tool's own options say comes on top. */
export function perfProperties(options: PerfOptions): Map<string, string> {
  const file = options.text(options.has('consumer.config') ? 'consumer.config' : 'command-config')
  const properties = file === null ? new Map<string, string>() : loadProperties(file)
  for (const [key, value] of keyValueMap(options.texts('command-property'))) properties.set(key, value)
  return properties.set('bootstrap.servers', options.text('bootstrap-server')!)
}

export const tooFew = (timeoutMs: number): string =>
  `WARNING: Exiting before consuming the expected number of records: timeout (${timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.`

export const mib = (bytes: number): number => bytes / MIB

/** Four digits behind the point, as all figures that are not whole have. */
export const four = (value: number): string => value.toFixed(4)

export class Sum {
  records = 0
  bytes = 0

  add({ key, value }: { readonly key: Uint8Array | null; readonly value: Uint8Array | null }): void {
    this.records++
    this.bytes += (key?.length ?? 0) + (value?.length ?? 0)
  }

  copy(): Sum {
    return Object.assign(new Sum(), this)
  }
}
