/** The quotas of clients as the metadata sets them, each with what clients have used of it. */
import { type ClientQuotaImage, type MetadataDelta, QuotaEntityType, QuotaKey } from '../image/index.ts'
import type { Windows } from '../metrics/index.ts'
import { type ClientQuota, RateQuota, TokenQuota } from './client-quota.ts'
import type { QuotaWindow } from './rate.ts'

export interface QuotaOptions {
  readonly window: QuotaWindow
  /** Of changes of partitions. */
  readonly controllerWindow: QuotaWindow
  /** Of what is only shown. */
  readonly metricsWindows: Windows
}

/** As Kafka's metrics call what is limited. */
export type QuotaResource = 'Produce' | 'Fetch' | 'Request' | 'ControllerMutation'

const NOTHING: ReadonlyMap<string, number> = new Map()

export class Quotas {
  readonly produce: RateQuota
  readonly fetch: RateQuota
  /** In percent of the time of a thread: 100 is all that there is here. */
  readonly request: RateQuota
  readonly partitions: TokenQuota
  readonly byResource: ReadonlyMap<QuotaResource, ClientQuota>
  readonly #byKey: ReadonlyMap<string, ClientQuota>

  constructor({ window, controllerWindow, metricsWindows }: QuotaOptions) {
    const bytes = { window, maxPauseMs: Number.POSITIVE_INFINITY, metricsWindows }
    this.produce = new RateQuota(bytes)
    this.fetch = new RateQuota(bytes)
    this.request = new RateQuota({ ...bytes, maxPauseMs: window.sizeMs })
    this.partitions = new TokenQuota(controllerWindow, metricsWindows)
    this.byResource = new Map<QuotaResource, ClientQuota>([
      ['Produce', this.produce],
      ['Fetch', this.fetch],
      ['Request', this.request],
      ['ControllerMutation', this.partitions],
    ])
    this.#byKey = new Map<string, ClientQuota>([
      [QuotaKey.producerByteRate, this.produce],
      [QuotaKey.consumerByteRate, this.fetch],
      [QuotaKey.requestPercentage, this.request],
      [QuotaKey.controllerMutationRate, this.partitions],
    ])
  }

  /** Of users and client ids. True: something has changed of addresses, which is for whoever accepts connections. */
  apply({ base, image, clientQuotas }: MetadataDelta): boolean {
    let hasIps = false
    for (const key of clientQuotas) {
      const before = base.clientQuotas.get(key)
      const after = image.clientQuotas.get(key)
      const entity = (after ?? before)?.entity
      if (!entity) continue
      if (entity.some(({ entityType }) => entityType === QuotaEntityType.ip)) hasIps = true
      else this.#change(entity, before?.values ?? NOTHING, after?.values ?? NOTHING)
    }
    return hasIps
  }

  #change(
    entity: ClientQuotaImage['entity'],
    before: ReadonlyMap<string, number>,
    after: ReadonlyMap<string, number>,
  ): void {
    for (const [key, limited] of this.#byKey) {
      const limit = after.get(key)
      if (limit !== before.get(key)) limited.setLimit(entity, limit ?? null)
    }
  }
}

/** Connections a second, by address or name of a host; null: of whom nothing else says. */
export function ipConnectionRates(quotas: Iterable<ClientQuotaImage>): ReadonlyMap<string | null, number> {
  const rates = new Map<string | null, number>()
  for (const { entity, values } of quotas) {
    const ip = entity.find(({ entityType }) => entityType === QuotaEntityType.ip)
    const rate = values.get(QuotaKey.connectionCreationRate)
    if (ip && rate !== undefined) rates.set(ip.entityName, Math.trunc(rate))
  }
  return rates
}
