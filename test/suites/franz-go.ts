/** franz-go: the tests of pkg/kgo, its client, of which those that talk to a broker produce, consume and transact in groups. */
import { prepareGo } from './go.ts'
import type { Suite } from './suite.ts'

const MODULE = 'github.com/twmb/franz-go@v1.22.2'

export const franzGo: Suite = {
  name: 'franz-go',
  source: `${MODULE}, pkg/kgo`,
  reasons: {},
  prepare: cache =>
    prepareGo(
      {
        module: MODULE,
        folder: 'pkg/kgo',
        env: bootstrap => ({
          KGO_SEEDS: bootstrap,
          KGO_TEST_RF: '1',
          KGO_TEST_RECORDS: '20000',
          KGO_LOG_LEVEL: 'none',
        }),
        timeoutMinutes: 15,
      },
      cache,
    ),
}
