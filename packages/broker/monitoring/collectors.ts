/** What a collector is: it knows where the number of one family is kept, and gives its samples when somebody asks. */
import type { CleanerMetrics } from '@ottla/log'
import type { GroupCensus } from '../coordinator/group/observer.ts'
import type { Family, Sample } from '../metrics/index.ts'
import type { ReplicaTally } from './replica-tally.ts'
import type { Sources } from './sources.ts'

export interface LogDirSpace {
  readonly path: string
  readonly totalBytes: number
  readonly usableBytes: number
}

/** Found out once for all families that need it. */
export interface Survey {
  readonly groups: GroupCensus
  readonly replicas: ReplicaTally
  readonly cleaner: CleanerMetrics
  readonly spaces: readonly LogDirSpace[]
}

export type Collectors<Families extends { readonly [key: string]: Family }> = {
  readonly [Key in keyof Families]: (sources: Sources, survey: Survey) => Iterable<Sample>
}
