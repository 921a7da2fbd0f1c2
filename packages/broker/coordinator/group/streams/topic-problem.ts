/** What a member is told beside its tasks. Not errors: the member stays, and it may pass. */

/** As the protocol counts them. */
export const Status = {
  STALE_TOPOLOGY: 0,
  MISSING_SOURCE_TOPICS: 1,
  INCORRECTLY_PARTITIONED_TOPICS: 2,
  MISSING_INTERNAL_TOPICS: 3,
  SHUTDOWN_APPLICATION: 4,
  ASSIGNMENT_DELAYED: 5,
} as const

/** Why the topics of the cluster are not what a topology needs. */
export class TopicProblem extends Error {
  override readonly name = 'TopicProblem'
  readonly status: keyof typeof Status

  constructor(status: keyof typeof Status, message: string) {
    super(message)
    this.status = status
  }
}
