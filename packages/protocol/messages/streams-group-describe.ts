import { array, bool, int16, int32, int64, message, type Of, string, struct, uint16 } from '../schema.ts'

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

const Assignment = {
  activeTasks: array(TaskIds),
  standbyTasks: array(TaskIds),
  warmupTasks: array(TaskIds),
}

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

export const StreamsGroupDescribeRequest = message(
  'StreamsGroupDescribeRequest',
  { key: 89, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
)

export type StreamsGroupDescribeRequest = Of<typeof StreamsGroupDescribeRequest>

export const StreamsGroupDescribeResponse = message(
  'StreamsGroupDescribeResponse',
  { key: 89, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string('0+', null, { nullable: '0+' }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      topology: struct(
        {
          epoch: int32(),
          subtopologies: array(
            {
              subtopologyId: string(),
              sourceTopics: array(string()),
              repartitionSinkTopics: array(string()),
              stateChangelogTopics: array(TopicInfo),
              repartitionSourceTopics: array(TopicInfo),
            },
            '0+',
            { nullable: '0+', defaultNull: true },
          ),
        },
        '0+',
        { nullable: '0+', defaultNull: true },
      ),
      members: array({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: string('0+', null, { nullable: '0+' }),
        rackId: string('0+', null, { nullable: '0+' }),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        processId: string(),
        userEndpoint: struct(Endpoint, '0+', { nullable: '0+', defaultNull: true }),
        clientTags: array(KeyValue),
        taskOffsets: array(TaskOffset),
        taskEndOffsets: array(TaskOffset),
        assignment: struct(Assignment),
        targetAssignment: struct(Assignment),
        isClassic: bool(),
      }),
      authorizedOperations: int32('0+', -2147483648),
    }),
  },
)

export type StreamsGroupDescribeResponse = Of<typeof StreamsGroupDescribeResponse>
