/**
 * Brokers, topics, partitions and who leads them. A null list of topics asks for all (an empty one in version 0).
 *
 *  1  racks, the controller, internal topics         2  cluster id           4  whether to create missing topics
 *  5  offline replicas       7  leader epochs        8  authorized operations (those of the cluster only up to 10)
 *  9  flexible              10  topic ids in the response; to ask by id takes 12
 * 13  an error for the whole (REBOOTSTRAP_REQUIRED)
 */
import { array, bool, int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const MetadataRequest = message(
  'MetadataRequest',
  { key: 3, versions: '0-13', flexible: '9+', listeners: ['broker'] },
  {
    topics: array(
      {
        topicId: uuid('10+', { ignorable: true }),
        name: string('0+', '', { nullable: '10+' }),
      },
      '0+',
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', true),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
)

export type MetadataRequest = Of<typeof MetadataRequest>

export const MetadataResponse = message(
  'MetadataResponse',
  { key: 3, versions: '0-13', flexible: '9+' },
  {
    throttleTimeMs: int32('3+', 0, { ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string('1+', null, { nullable: '1+', ignorable: true }),
    }),
    clusterId: string('2+', null, { nullable: '2+', ignorable: true }),
    controllerId: int32('1+', -1, { ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string('0+', '', { nullable: '12+' }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', false, { ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32('7+', -1, { ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), '5+', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('8+', -2147483648),
    }),
    clusterAuthorizedOperations: int32('8-10', -2147483648),
    errorCode: int16('13+', 0, { ignorable: true }),
  },
)

export type MetadataResponse = Of<typeof MetadataResponse>
