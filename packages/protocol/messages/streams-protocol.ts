import { array, bytes, int8, int32, int64, message, type Of, string, uuid } from '../schema.ts'

const TaskId = {
  topicGroupId: int32('1-6'),
  partition: int32('1-6'),
}

const PartitionToOffsetSum = {
  partition: int32('7-9'),
  offsetSum: int64('7-9'),
}

const TaskOffsetSum = {
  topicGroupId: int32('7+'),
  partition: int32('10+'),
  offsetSum: int64('10+'),
  namedTopology: string('10+', '', { nullable: '10+' }),
  partitionToOffsetSum: array(PartitionToOffsetSum, '7-9'),
}

const ClientTag = {
  key: bytes('11+'),
  value: bytes('11+'),
}

export const SubscriptionInfoData = message(
  'SubscriptionInfoData',
  { versions: '1-11', flexible: 'none' },
  {
    version: int32('1+'),
    latestSupportedVersion: int32('3+', -1),
    processId: uuid('1+'),
    prevTasks: array(TaskId, '1-6'),
    standbyTasks: array(TaskId, '1-6'),
    userEndPoint: bytes('2+'),
    taskOffsetSums: array(TaskOffsetSum, '7+'),
    uniqueField: int8('8+'),
    errorCode: int32('9+'),
    clientTags: array(ClientTag, '11+'),
  },
)

export type SubscriptionInfoData = Of<typeof SubscriptionInfoData>
