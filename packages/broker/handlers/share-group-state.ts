/** Requests to the share coordinator that failed as a whole: the error stands at each partition. */
import type { Failure } from './handler.ts'

interface Request {
  readonly topics: readonly {
    readonly topicId: string
    readonly partitions: readonly { readonly partition: number }[]
  }[]
}

export function failedPartitions({ topics }: Request, { errorCode, errorMessage }: Failure) {
  return {
    results: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => ({ partition, errorCode, errorMessage })),
    })),
  }
}
