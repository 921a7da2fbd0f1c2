/**
 * A broker announces itself to the controller, once a start.
 *
 *  1  for the migration from ZooKeeper               2  log directories (KIP-858)
 *  3  epoch at the last clean stop (KIP-966)         4  features whose lowest level is 0
 */
import { array, bool, int16, int32, int64, message, type Of, string, uint16, uuid } from '../schema.ts'

export const BrokerRegistrationRequest = message(
  'BrokerRegistrationRequest',
  { key: 62, versions: '0-4', flexible: '0+', listeners: ['controller'] },
  {
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
    rack: string('0+', '', { nullable: '0+' }),
    isMigratingZkBroker: bool('1+'),
    logDirs: array(uuid(), '2+', { ignorable: true }),
    previousBrokerEpoch: int64('3+', -1, { ignorable: true }),
  },
)

export type BrokerRegistrationRequest = Of<typeof BrokerRegistrationRequest>

export const BrokerRegistrationResponse = message(
  'BrokerRegistrationResponse',
  { key: 62, versions: '0-4', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    brokerEpoch: int64('0+', -1),
  },
)

export type BrokerRegistrationResponse = Of<typeof BrokerRegistrationResponse>
