/**
 * An image as the records that make it from nothing: what a snapshot holds. Features come first, because everything
 * after them may depend on metadata.version; a topic comes before its partitions.
 */
import { MetadataError } from '../errors.ts'
import { ELIGIBLE_LEADER_REPLICAS_VERSION, METADATA_VERSION, Since } from './features.ts'
import { featureLevel, type MetadataImage } from './image.ts'
import { partitionRecord } from './partition.ts'
import { type MetadataRecord, metadataRecord } from './records.ts'
import { brokerRegistrationRecord, controllerRegistrationRecord } from './registrations.ts'

/** One after the other, so that a large image can be written piece by piece. */
export function* snapshotRecords(image: MetadataImage): Generator<MetadataRecord, void> {
  const { metadataVersion } = image
  if (metadataVersion === null) {
    throw new MetadataError('ERR_BROKEN_RECORD', 'the log has finalized no metadata.version to write a snapshot with')
  }
  yield metadataRecord('FeatureLevelRecord', 0, { name: METADATA_VERSION, featureLevel: metadataVersion })
  for (const [name, level] of image.features)
    yield metadataRecord('FeatureLevelRecord', 0, { name, featureLevel: level })
  for (const broker of image.brokers.values()) yield brokerRegistrationRecord(broker, metadataVersion)
  if (metadataVersion >= Since.CONTROLLER_REGISTRATION) {
    for (const controller of image.controllers.values()) yield controllerRegistrationRecord(controller)
  }
  yield* topicRecords(image, metadataVersion)
  for (const { type, name: resourceName, values } of image.configs.values()) {
    for (const [name, value] of values) {
      yield metadataRecord('ConfigRecord', 0, { resourceType: type, resourceName, name, value })
    }
  }
  for (const { entity, values } of image.clientQuotas.values()) {
    for (const [key, value] of values)
      yield metadataRecord('ClientQuotaRecord', 0, { entity, key, value, remove: false })
  }
  if (image.nextProducerId >= 0) {
    const { nextProducerId } = image
    yield metadataRecord('ProducerIdsRecord', 0, { brokerId: -1, brokerEpoch: -1, nextProducerId })
  }
  yield* credentialRecords(image, metadataVersion)
}

function* topicRecords(image: MetadataImage, metadataVersion: number): Generator<MetadataRecord, void> {
  const elrEnabled = featureLevel(image, ELIGIBLE_LEADER_REPLICAS_VERSION) > 0
  for (const { id, name, partitions } of image.topicsById.values()) {
    yield metadataRecord('TopicRecord', 0, { name, topicId: id })
    for (const [partitionId, partition] of partitions.entries()) {
      yield partitionRecord(id, partitionId, partition, { metadataVersion, elrEnabled })
    }
  }
}

function* credentialRecords(image: MetadataImage, metadataVersion: number): Generator<MetadataRecord, void> {
  for (const acl of image.acls.values()) yield metadataRecord('AccessControlEntryRecord', 0, acl)
  if (metadataVersion >= Since.SCRAM) {
    for (const credential of image.scram.values()) yield metadataRecord('UserScramCredentialRecord', 0, credential)
  }
  if (metadataVersion >= Since.DELEGATION_TOKENS) {
    for (const token of image.delegationTokens.values()) yield metadataRecord('DelegationTokenRecord', 0, token)
  }
}
