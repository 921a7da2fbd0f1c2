/** All that the published package does, as one script (scripts/bundle.ts); load.ts loads it. */
export { main } from '../cli/main.ts'
export { createCluster } from '../embedded.ts'
