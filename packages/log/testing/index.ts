/** `@ottla/log/testing`: for the simulator. */
export { runLogWorkload, type WorkloadOptions, type WorkloadSummary } from './log-workload.ts'
