/** What the other rooms of the broker use of the quotas. */
export { type PartitionQuota, type QuotaClient, UNLIMITED } from './client-quota.ts'
export { type ConnectionLimits, ConnectionQuotas, type IpRates, type ListenerLimits } from './connection-quotas.ts'
export { ipConnectionRates, Quotas } from './quotas.ts'
export type { QuotaWindow } from './rate.ts'
