/** What a suite is: whose tests, where they come from, what broker they want, and how to run and read them. */
import type { Settings } from '../interop/brokers.ts'
import type { Outcomes, Reasons } from './outcomes.ts'

export interface Suite {
  /** Also of its file in expected/. */
  readonly name: string
  /** What is run, for the heading: the package and its version. */
  readonly source: string
  /** If its tests know no other. */
  readonly port?: number
  /** What the machine lacks, in words, that can't be had by a package manager; null: nothing. */
  readonly missing?: () => Promise<string | null>
  readonly settings?: (port: number) => Settings
  /**
   * Where our outcome is another one than Apache Kafka's, or where it is a matter of luck on both, and why. Nothing else
   * may differ.
   */
  readonly reasons: Reasons
  /** Gets the sources and builds them into a folder of the cache, which later runs find again. */
  readonly prepare: (folder: string) => Promise<Prepared>
}

export interface Prepared {
  /** Runs all tests against a broker that is up; `log` gets all they say. */
  run(bootstrap: string, log: (text: string) => void): Promise<Outcomes>
}
