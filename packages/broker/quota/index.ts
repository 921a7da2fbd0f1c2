/** What the other rooms of the broker use of the quotas. */
export {
  type ClientQuota,
  type PartitionQuota,
  type QuotaClient,
  type QuotaReading,
  type ThrottleCount,
  UNLIMITED,
} from './client-quota.ts'
export {
  type AcceptReading,
  type ConnectionLimits,
  ConnectionQuotas,
  type IpRates,
  type ListenerLimits,
} from './connection-quotas.ts'
export { ipConnectionRates, type QuotaResource, Quotas } from './quotas.ts'
export type { QuotaWindow } from './rate.ts'
