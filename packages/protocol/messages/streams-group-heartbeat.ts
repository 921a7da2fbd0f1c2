import { array, bool, int8, int16, int32, int64, message, type Of, string, struct, uint16 } from '../schema.ts'

const KeyValue = {
  key: string(),
  value: string(),
}

const TopicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(KeyValue),
}

const Endpoint = {
  host: string(),
  port: uint16(),
}

const TaskOffset = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64(),
}

const TaskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
}

const Status = {
  statusCode: int8(),
  statusDetail: string(),
}

const TopicPartition = {
  topic: string(),
  partitions: array(int32()),
}

export const StreamsGroupHeartbeatRequest = message(
  'StreamsGroupHeartbeatRequest',
  { key: 88, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: string('0+', null, { nullable: '0+' }),
    rackId: string('0+', null, { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', -1),
    topology: struct(
      {
        epoch: int32(),
        subtopologies: array({
          subtopologyId: string(),
          sourceTopics: array(string()),
          sourceTopicRegex: array(string()),
          stateChangelogTopics: array(TopicInfo),
          repartitionSinkTopics: array(string()),
          repartitionSourceTopics: array(TopicInfo),
          copartitionGroups: array({
            sourceTopics: array(int16()),
            sourceTopicRegex: array(int16()),
            repartitionSourceTopics: array(int16()),
          }),
        }),
      },
      '0+',
      { nullable: '0+', defaultNull: true },
    ),
    activeTasks: array(TaskIds, '0+', { nullable: '0+', defaultNull: true }),
    standbyTasks: array(TaskIds, '0+', { nullable: '0+', defaultNull: true }),
    warmupTasks: array(TaskIds, '0+', { nullable: '0+', defaultNull: true }),
    processId: string('0+', null, { nullable: '0+' }),
    userEndpoint: struct(Endpoint, '0+', { nullable: '0+', defaultNull: true }),
    clientTags: array(KeyValue, '0+', { nullable: '0+', defaultNull: true }),
    taskOffsets: array(TaskOffset, '0+', { nullable: '0+', defaultNull: true }),
    taskEndOffsets: array(TaskOffset, '0+', { nullable: '0+', defaultNull: true }),
    shutdownApplication: bool(),
  },
)

export type StreamsGroupHeartbeatRequest = Of<typeof StreamsGroupHeartbeatRequest>

export const StreamsGroupHeartbeatResponse = message(
  'StreamsGroupHeartbeatResponse',
  { key: 88, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', null, { nullable: '0+' }),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLag: int32(),
    taskOffsetIntervalMs: int32(),
    status: array(Status, '0+', { nullable: '0+' }),
    activeTasks: array(TaskIds, '0+', { nullable: '0+', defaultNull: true }),
    standbyTasks: array(TaskIds, '0+', { nullable: '0+', defaultNull: true }),
    warmupTasks: array(TaskIds, '0+', { nullable: '0+', defaultNull: true }),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: array(
      {
        userEndpoint: struct(Endpoint),
        activePartitions: array(TopicPartition),
        standbyPartitions: array(TopicPartition),
      },
      '0+',
      { nullable: '0+', defaultNull: true },
    ),
  },
)

export type StreamsGroupHeartbeatResponse = Of<typeof StreamsGroupHeartbeatResponse>
