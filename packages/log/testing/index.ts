/** `@ottla/log/testing`: for the simulator. */
export { type CompactionSummary, runCompactionWorkload } from './compaction-workload.ts'
export { runLogWorkload, type WorkloadOptions, type WorkloadSummary } from './log-workload.ts'
