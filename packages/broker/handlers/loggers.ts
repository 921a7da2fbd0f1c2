/** The resource BROKER_LOGGER (KIP-412): loggers by name, with Kafka's words for their levels. Nothing keeps what is set. */
import type { LogLevels, LogThreshold } from '@ottla/io'
import type { DescribedConfig } from '../config/index.ts'
import { ConfigSourceCode } from '../config/index.ts'
import { ApiError } from '../errors.ts'
import { ConfigOperation } from '../image/index.ts'

export interface LevelChange {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

const ROOT = 'root'
const UNKNOWN_TYPE = 0
const THRESHOLDS: ReadonlyMap<string, LogThreshold> = new Map(
  (['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const).map(threshold => [
    threshold.toUpperCase(),
    threshold,
  ]),
)

export function describeLoggers(levels: LogLevels): DescribedConfig[] {
  return [...levels.all()].map(([name, threshold]) => ({
    name,
    value: threshold.toUpperCase(),
    readOnly: false,
    source: ConfigSourceCode.brokerLogger,
    isSensitive: false,
    synonyms: [],
    type: UNKNOWN_TYPE,
    documentation: '',
  }))
}

/** All of the changes, or none: then it throws an ApiError. */
export function changeLevels(levels: LogLevels, changes: readonly LevelChange[], validateOnly: boolean): void {
  const known = levels.all()
  for (const change of changes) checkChange(known, change)
  if (validateOnly) return
  for (const { name, configOperation, value } of changes) {
    if (configOperation === ConfigOperation.SET) levels.set(name, THRESHOLDS.get(value!)!)
    else levels.unset(name)
  }
}

function checkChange(known: ReadonlyMap<string, unknown>, { name, configOperation, value }: LevelChange): void {
  if (configOperation !== ConfigOperation.SET && configOperation !== ConfigOperation.DELETE)
    throw new ApiError('INVALID_REQUEST', `a level can be set or deleted, nothing else (${configOperation})`)
  if (!known.has(name)) throw new ApiError('INVALID_CONFIG', `there is no logger '${name}'`)
  if (configOperation === ConfigOperation.DELETE) {
    if (name === ROOT) throw new ApiError('INVALID_REQUEST', 'the root logger has to have a level')
  } else if (!THRESHOLDS.has(value ?? '')) {
    const words = [...THRESHOLDS.keys()].join(', ')
    throw new ApiError('INVALID_CONFIG', `${name} can't have the level '${value}': it is one of ${words}`)
  }
}
