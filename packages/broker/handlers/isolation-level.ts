/** Which records a reader is shown, as Fetch and ListOffsets say it. Kafka answers any other value with UNKNOWN_SERVER_ERROR. */
const READ_UNCOMMITTED = 0
export const READ_COMMITTED = 1

export function isIsolationLevel(level: number): boolean {
  return level === READ_UNCOMMITTED || level === READ_COMMITTED
}
