import {
  array,
  bytes,
  int8,
  int16,
  int32,
  int64,
  message,
  type Of,
  rawInt64,
  string,
  struct,
  uint16,
  uuid,
} from '../schema.ts'

const TopicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), '0+', { nullable: '0+', tag: 0 }),
}

const MemberMetadata = {
  memberId: string(),
  groupInstanceId: string('3+', null, { nullable: '3+', ignorable: true }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32('1+', -1, { ignorable: true }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
}

const ShareGroupCurrentMemberAssignmentValueTopicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
}

const TopicPartitionsInfo = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
}

const TopicInfo = {
  topicId: uuid(),
  topicName: string(),
}

const TaskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), '0+', { nullable: '0+', tag: 0 }),
}

const Endpoint = {
  host: string(),
  port: uint16(),
}

const KeyValue = {
  key: string(),
  value: string(),
}

const LastAssignmentConfig = {
  key: string(),
  value: string(),
}

const StreamsGroupTargetAssignmentMemberValueTaskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
}

const TopicConfig = {
  key: string(),
  value: string(),
}

const StreamsGroupTopologyValueTopicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(TopicConfig),
}

export const ConsumerGroupCurrentMemberAssignmentKey = message(
  'ConsumerGroupCurrentMemberAssignmentKey',
  { key: 8, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type ConsumerGroupCurrentMemberAssignmentKey = Of<typeof ConsumerGroupCurrentMemberAssignmentKey>

export const ConsumerGroupCurrentMemberAssignmentValue = message(
  'ConsumerGroupCurrentMemberAssignmentValue',
  { key: 8, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(TopicPartitions),
    partitionsPendingRevocation: array(TopicPartitions),
  },
)

export type ConsumerGroupCurrentMemberAssignmentValue = Of<typeof ConsumerGroupCurrentMemberAssignmentValue>

export const ConsumerGroupMemberMetadataKey = message(
  'ConsumerGroupMemberMetadataKey',
  { key: 5, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type ConsumerGroupMemberMetadataKey = Of<typeof ConsumerGroupMemberMetadataKey>

export const ConsumerGroupMemberMetadataValue = message(
  'ConsumerGroupMemberMetadataValue',
  { key: 5, versions: '0', flexible: '0+' },
  {
    instanceId: string('0+', '', { nullable: '0+' }),
    rackId: string('0+', '', { nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string('0+', '', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', -1),
    serverAssignor: string('0+', '', { nullable: '0+' }),
    classicMemberMetadata: struct(
      {
        sessionTimeoutMs: int32(),
        supportedProtocols: array({
          name: string(),
          metadata: bytes(),
        }),
      },
      '0+',
      { nullable: '0+', tag: 0 },
    ),
  },
)

export type ConsumerGroupMemberMetadataValue = Of<typeof ConsumerGroupMemberMetadataValue>

export const ConsumerGroupMetadataKey = message(
  'ConsumerGroupMetadataKey',
  { key: 3, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type ConsumerGroupMetadataKey = Of<typeof ConsumerGroupMetadataKey>

export const ConsumerGroupMetadataValue = message(
  'ConsumerGroupMetadataValue',
  { key: 3, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: rawInt64('0+', 0n, { tag: 0 }),
  },
)

export type ConsumerGroupMetadataValue = Of<typeof ConsumerGroupMetadataValue>

export const ConsumerGroupPartitionMetadataKey = message(
  'ConsumerGroupPartitionMetadataKey',
  { key: 4, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type ConsumerGroupPartitionMetadataKey = Of<typeof ConsumerGroupPartitionMetadataKey>

export const ConsumerGroupPartitionMetadataValue = message(
  'ConsumerGroupPartitionMetadataValue',
  { key: 4, versions: '0', flexible: '0+' },
  {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({
        partition: int32(),
        racks: array(string()),
      }),
    }),
  },
)

export type ConsumerGroupPartitionMetadataValue = Of<typeof ConsumerGroupPartitionMetadataValue>

export const ConsumerGroupRegularExpressionKey = message(
  'ConsumerGroupRegularExpressionKey',
  { key: 16, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    regularExpression: string('0'),
  },
)

export type ConsumerGroupRegularExpressionKey = Of<typeof ConsumerGroupRegularExpressionKey>

export const ConsumerGroupRegularExpressionValue = message(
  'ConsumerGroupRegularExpressionValue',
  { key: 16, versions: '0', flexible: '0+' },
  {
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  },
)

export type ConsumerGroupRegularExpressionValue = Of<typeof ConsumerGroupRegularExpressionValue>

export const ConsumerGroupTargetAssignmentMemberKey = message(
  'ConsumerGroupTargetAssignmentMemberKey',
  { key: 7, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type ConsumerGroupTargetAssignmentMemberKey = Of<typeof ConsumerGroupTargetAssignmentMemberKey>

export const ConsumerGroupTargetAssignmentMemberValue = message(
  'ConsumerGroupTargetAssignmentMemberValue',
  { key: 7, versions: '0', flexible: '0+' },
  {
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
)

export type ConsumerGroupTargetAssignmentMemberValue = Of<typeof ConsumerGroupTargetAssignmentMemberValue>

export const ConsumerGroupTargetAssignmentMetadataKey = message(
  'ConsumerGroupTargetAssignmentMetadataKey',
  { key: 6, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type ConsumerGroupTargetAssignmentMetadataKey = Of<typeof ConsumerGroupTargetAssignmentMetadataKey>

export const ConsumerGroupTargetAssignmentMetadataValue = message(
  'ConsumerGroupTargetAssignmentMetadataValue',
  { key: 6, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64('0+', 0, { tag: 0, ignorable: true }),
  },
)

export type ConsumerGroupTargetAssignmentMetadataValue = Of<typeof ConsumerGroupTargetAssignmentMetadataValue>

export const GroupMetadataKey = message(
  'GroupMetadataKey',
  { key: 2, versions: '0', flexible: 'none' },
  {
    group: string('0'),
  },
)

export type GroupMetadataKey = Of<typeof GroupMetadataKey>

export const GroupMetadataValue = message(
  'GroupMetadataValue',
  { key: 2, versions: '0-4', flexible: '4+' },
  {
    protocolType: string(),
    generation: int32(),
    protocol: string('0+', '', { nullable: '0+' }),
    leader: string('0+', '', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', -1, { ignorable: true }),
    members: array(MemberMetadata),
  },
)

export type GroupMetadataValue = Of<typeof GroupMetadataValue>

export const LegacyOffsetCommitKey = message(
  'LegacyOffsetCommitKey',
  { key: 0, versions: '0', flexible: 'none' },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
)

export type LegacyOffsetCommitKey = Of<typeof LegacyOffsetCommitKey>

export const LegacyOffsetCommitValue = message(
  'LegacyOffsetCommitValue',
  { key: 0, versions: '0', flexible: 'none' },
  {
    offset: int64('0'),
    metadata: string('0'),
    commitTimestamp: int64('0'),
  },
)

export type LegacyOffsetCommitValue = Of<typeof LegacyOffsetCommitValue>

export const OffsetCommitKey = message(
  'OffsetCommitKey',
  { key: 1, versions: '0', flexible: 'none' },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
)

export type OffsetCommitKey = Of<typeof OffsetCommitKey>

export const OffsetCommitValue = message(
  'OffsetCommitValue',
  { key: 1, versions: '0-4', flexible: '4+' },
  {
    offset: int64(),
    leaderEpoch: int32('3+', -1, { ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64('1', -1, { ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
)

export type OffsetCommitValue = Of<typeof OffsetCommitValue>

export const ShareGroupCurrentMemberAssignmentKey = message(
  'ShareGroupCurrentMemberAssignmentKey',
  { key: 14, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type ShareGroupCurrentMemberAssignmentKey = Of<typeof ShareGroupCurrentMemberAssignmentKey>

export const ShareGroupCurrentMemberAssignmentValue = message(
  'ShareGroupCurrentMemberAssignmentValue',
  { key: 14, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(ShareGroupCurrentMemberAssignmentValueTopicPartitions),
  },
)

export type ShareGroupCurrentMemberAssignmentValue = Of<typeof ShareGroupCurrentMemberAssignmentValue>

export const ShareGroupMemberMetadataKey = message(
  'ShareGroupMemberMetadataKey',
  { key: 10, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type ShareGroupMemberMetadataKey = Of<typeof ShareGroupMemberMetadataKey>

export const ShareGroupMemberMetadataValue = message(
  'ShareGroupMemberMetadataValue',
  { key: 10, versions: '0', flexible: '0+' },
  {
    rackId: string('0+', '', { nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  },
)

export type ShareGroupMemberMetadataValue = Of<typeof ShareGroupMemberMetadataValue>

export const ShareGroupMetadataKey = message(
  'ShareGroupMetadataKey',
  { key: 11, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type ShareGroupMetadataKey = Of<typeof ShareGroupMetadataKey>

export const ShareGroupMetadataValue = message(
  'ShareGroupMetadataValue',
  { key: 11, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: rawInt64(),
  },
)

export type ShareGroupMetadataValue = Of<typeof ShareGroupMetadataValue>

export const ShareGroupStatePartitionMetadataKey = message(
  'ShareGroupStatePartitionMetadataKey',
  { key: 15, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type ShareGroupStatePartitionMetadataKey = Of<typeof ShareGroupStatePartitionMetadataKey>

export const ShareGroupStatePartitionMetadataValue = message(
  'ShareGroupStatePartitionMetadataValue',
  { key: 15, versions: '0', flexible: '0+' },
  {
    initializingTopics: array(TopicPartitionsInfo),
    initializedTopics: array(TopicPartitionsInfo),
    deletingTopics: array(TopicInfo),
  },
)

export type ShareGroupStatePartitionMetadataValue = Of<typeof ShareGroupStatePartitionMetadataValue>

export const ShareGroupTargetAssignmentMemberKey = message(
  'ShareGroupTargetAssignmentMemberKey',
  { key: 13, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type ShareGroupTargetAssignmentMemberKey = Of<typeof ShareGroupTargetAssignmentMemberKey>

export const ShareGroupTargetAssignmentMemberValue = message(
  'ShareGroupTargetAssignmentMemberValue',
  { key: 13, versions: '0', flexible: '0+' },
  {
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
)

export type ShareGroupTargetAssignmentMemberValue = Of<typeof ShareGroupTargetAssignmentMemberValue>

export const ShareGroupTargetAssignmentMetadataKey = message(
  'ShareGroupTargetAssignmentMetadataKey',
  { key: 12, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type ShareGroupTargetAssignmentMetadataKey = Of<typeof ShareGroupTargetAssignmentMetadataKey>

export const ShareGroupTargetAssignmentMetadataValue = message(
  'ShareGroupTargetAssignmentMetadataValue',
  { key: 12, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64('0+', 0, { tag: 0, ignorable: true }),
  },
)

export type ShareGroupTargetAssignmentMetadataValue = Of<typeof ShareGroupTargetAssignmentMetadataValue>

export const StreamsGroupCurrentMemberAssignmentKey = message(
  'StreamsGroupCurrentMemberAssignmentKey',
  { key: 22, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type StreamsGroupCurrentMemberAssignmentKey = Of<typeof StreamsGroupCurrentMemberAssignmentKey>

export const StreamsGroupCurrentMemberAssignmentValue = message(
  'StreamsGroupCurrentMemberAssignmentValue',
  { key: 22, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(TaskIds),
    standbyTasks: array(TaskIds),
    warmupTasks: array(TaskIds),
    activeTasksPendingRevocation: array(TaskIds),
    standbyTasksPendingRevocation: array(TaskIds),
    warmupTasksPendingRevocation: array(TaskIds),
  },
)

export type StreamsGroupCurrentMemberAssignmentValue = Of<typeof StreamsGroupCurrentMemberAssignmentValue>

export const StreamsGroupMemberMetadataKey = message(
  'StreamsGroupMemberMetadataKey',
  { key: 19, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type StreamsGroupMemberMetadataKey = Of<typeof StreamsGroupMemberMetadataKey>

export const StreamsGroupMemberMetadataValue = message(
  'StreamsGroupMemberMetadataValue',
  { key: 19, versions: '0', flexible: '0+' },
  {
    instanceId: string('0+', '', { nullable: '0+' }),
    rackId: string('0+', '', { nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32('0+', -1),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct(Endpoint, '0+', { nullable: '0+', defaultNull: true }),
    clientTags: array(KeyValue),
  },
)

export type StreamsGroupMemberMetadataValue = Of<typeof StreamsGroupMemberMetadataValue>

export const StreamsGroupMetadataKey = message(
  'StreamsGroupMetadataKey',
  { key: 17, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type StreamsGroupMetadataKey = Of<typeof StreamsGroupMetadataKey>

export const StreamsGroupMetadataValue = message(
  'StreamsGroupMetadataValue',
  { key: 17, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: rawInt64(),
    validatedTopologyEpoch: int32('0+', -1, { tag: 0 }),
    lastAssignmentConfigs: array(LastAssignmentConfig, '0+', { nullable: '0+', tag: 1 }),
  },
)

export type StreamsGroupMetadataValue = Of<typeof StreamsGroupMetadataValue>

export const StreamsGroupTargetAssignmentMemberKey = message(
  'StreamsGroupTargetAssignmentMemberKey',
  { key: 21, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export type StreamsGroupTargetAssignmentMemberKey = Of<typeof StreamsGroupTargetAssignmentMemberKey>

export const StreamsGroupTargetAssignmentMemberValue = message(
  'StreamsGroupTargetAssignmentMemberValue',
  { key: 21, versions: '0', flexible: '0+' },
  {
    activeTasks: array(StreamsGroupTargetAssignmentMemberValueTaskIds),
    standbyTasks: array(StreamsGroupTargetAssignmentMemberValueTaskIds),
    warmupTasks: array(StreamsGroupTargetAssignmentMemberValueTaskIds),
  },
)

export type StreamsGroupTargetAssignmentMemberValue = Of<typeof StreamsGroupTargetAssignmentMemberValue>

export const StreamsGroupTargetAssignmentMetadataKey = message(
  'StreamsGroupTargetAssignmentMetadataKey',
  { key: 20, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type StreamsGroupTargetAssignmentMetadataKey = Of<typeof StreamsGroupTargetAssignmentMetadataKey>

export const StreamsGroupTargetAssignmentMetadataValue = message(
  'StreamsGroupTargetAssignmentMetadataValue',
  { key: 20, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64('0+', 0, { tag: 0, ignorable: true }),
  },
)

export type StreamsGroupTargetAssignmentMetadataValue = Of<typeof StreamsGroupTargetAssignmentMetadataValue>

export const StreamsGroupTopologyKey = message(
  'StreamsGroupTopologyKey',
  { key: 23, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)

export type StreamsGroupTopologyKey = Of<typeof StreamsGroupTopologyKey>

export const StreamsGroupTopologyValue = message(
  'StreamsGroupTopologyValue',
  { key: 23, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    subtopologies: array({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(StreamsGroupTopologyValueTopicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(StreamsGroupTopologyValueTopicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      }),
    }),
  },
)

export type StreamsGroupTopologyValue = Of<typeof StreamsGroupTopologyValue>
