/**
 * What a client may do, as a bit set over Kafka's operation codes. Without an authorizer that is all that the kind of
 * resource knows; the security room will narrow it.
 */
const Operation = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const

function bits(...operations: number[]): number {
  return operations.reduce((set, operation) => set | (1 << operation), 0)
}

const { read, write, create, alter, describe, clusterAction, describeConfigs, alterConfigs, idempotentWrite } =
  Operation

export const TOPIC_OPERATIONS = bits(
  read,
  write,
  create,
  describe,
  Operation.delete,
  alter,
  describeConfigs,
  alterConfigs,
)
export const CLUSTER_OPERATIONS = bits(
  create,
  clusterAction,
  describeConfigs,
  alterConfigs,
  idempotentWrite,
  alter,
  describe,
)
export const GROUP_OPERATIONS = bits(read, describe, Operation.delete, describeConfigs, alterConfigs)
