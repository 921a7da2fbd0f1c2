/**
 * Keeps a broker's registration alive; the answer says whether it may serve, and when it may stop.
 *
 *  1  offline log directories (KIP-858)              2  cordoned log directories
 */
import { array, bool, int16, int32, int64, message, type Of, uuid } from '../schema.ts'

export const BrokerHeartbeatRequest = message(
  'BrokerHeartbeatRequest',
  { key: 63, versions: '0-2', flexible: '0+', listeners: ['controller'] },
  {
    brokerId: int32(),
    brokerEpoch: int64('0+', -1),
    currentMetadataOffset: int64(),
    wantFence: bool(),
    wantShutDown: bool(),
    offlineLogDirs: array(uuid(), '1+', { tag: 0 }),
    cordonedLogDirs: array(uuid(), '2+', { nullable: '2+', defaultNull: true, tag: 1 }),
  },
)

export type BrokerHeartbeatRequest = Of<typeof BrokerHeartbeatRequest>

export const BrokerHeartbeatResponse = message(
  'BrokerHeartbeatResponse',
  { key: 63, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    isCaughtUp: bool(),
    isFenced: bool('0+', true),
    shouldShutDown: bool(),
  },
)

export type BrokerHeartbeatResponse = Of<typeof BrokerHeartbeatResponse>
