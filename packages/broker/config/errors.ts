/** How a configuration that cannot be used is told: everything that is wrong with it at once, each with its place. */
import { ConfigurationError } from '../errors.ts'

export interface ConfigProblem {
  /** Where the value comes from: "server.properties line 12", "environment KAFKA_LOG_DIRS"; '' if nobody set it. */
  readonly origin: string
  /** The key in question, or the one to look at first. */
  readonly name: string
  /** A whole sentence that names the key, without the full stop. */
  readonly message: string
}

export function problemText({ origin, message }: ConfigProblem): string {
  return origin === '' ? message : `${origin}: ${message}`
}

export class ConfigError extends ConfigurationError {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(problemText).join('\n'))
    this.problems = problems
  }
}
