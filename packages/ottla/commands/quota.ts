/** `ottla quota …`: how much users, clients and addresses may ask of the cluster. */
import { alterClientQuotas, describeClientQuotas, type QuotaEntityPart, type QuotaFilter } from '@ottla/client'
import { keyValues } from '../cli/arguments.ts'
import { CommandError, ExitCode, type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

interface Target {
  readonly user?: string
  readonly client?: string
  readonly ip?: string
  readonly defaultUser?: boolean
  readonly defaultClient?: boolean
  readonly defaultIp?: boolean
}
type Options = ConnectOptions & OutputOptions & Target

function entityOf(target: Target): QuotaEntityPart[] {
  const parts = [
    ['user', target.user, target.defaultUser],
    ['client-id', target.client, target.defaultClient],
    ['ip', target.ip, target.defaultIp],
  ] as const
  const given = parts.filter(([, name, byDefault]) => name !== undefined || byDefault)
  if (given.some(([, name, byDefault]) => name !== undefined && byDefault))
    throw new CommandError('a name, or the default of all: not both', ExitCode.usage)
  if (given.length > 1 && given.some(([type]) => type === 'ip'))
    throw new CommandError('--ip stands alone; --user and --client go together', ExitCode.usage)
  return given.map(([entityType, name]) => ({ entityType, name: name ?? null }))
}

export async function list(options: Options): Promise<void> {
  const entity = entityOf(options)
  const filters = entity.map(part => ({ ...part }) as QuotaFilter)
  const all: readonly QuotaFilter[][] =
    filters.length > 0
      ? [filters]
      : [['user'], ['client-id'], ['ip'], ['user', 'client-id']].map(types =>
          types.map(entityType => ({ entityType, name: undefined }) as QuotaFilter),
        )
  await withCluster(options, async cluster => {
    const rows = []
    for (const one of all) {
      for (const { entity: parts, values } of await describeClientQuotas(cluster, one)) {
        const nameOf = (type: string) => {
          const part = parts.find(({ entityType }) => entityType === type)
          return part && (part.name ?? '(default)')
        }
        for (const [quota, value] of values)
          rows.push({ user: nameOf('user'), client: nameOf('client-id'), ip: nameOf('ip'), quota, value })
      }
    }
    printRows(rows, options, 'no quotas')
  })
}

export async function alter(options: Options & { set?: string[]; delete?: string[] }): Promise<void> {
  const entity = entityOf(options)
  if (entity.length === 0)
    throw new CommandError(
      'say whose: --user, --client or --ip, or --default-user, --default-client, --default-ip',
      ExitCode.usage,
    )
  const changes = [
    ...[...keyValues(options.set ?? [], '--set')].map(([key, text]) => {
      const value = Number(text)
      if (text.trim() === '' || Number.isNaN(value))
        throw new CommandError(`--set ${key}: '${text}' is no number`, ExitCode.usage)
      return { key, value }
    }),
    ...(options.delete ?? []).map(key => ({ key, value: null })),
  ]
  if (changes.length === 0) throw new CommandError('nothing to alter: give --set or --delete', ExitCode.usage)
  await withCluster(options, async cluster => {
    await alterClientQuotas(cluster, entity, changes)
    const whose = entity.map(({ entityType, name }) => `${entityType} ${name ?? '(default)'}`).join(', ')
    printDone(`altered the quotas of ${whose}`, { entity: whose, altered: true }, options)
  })
}
