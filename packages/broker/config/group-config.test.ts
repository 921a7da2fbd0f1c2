/** The words in which the config of a group is refused: Kafka's, since its own tests look for them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveBrokerConfig } from './broker-config.ts'
import { developerDefaults } from './developer-defaults.ts'
import { validateGroupConfigs } from './group-config.ts'
import { loadConfig } from './sources.ts'

const broker = resolveBrokerConfig(loadConfig({ defaults: developerDefaults({ dataDir: '/data' }) }).raw)

for (const [name, value, message] of [
  ['session.timeout.ms', '1', 'must be greater than or equal to group.streams.min.session.timeout.ms'],
  ['session.timeout.ms', '100000', 'must be less than or equal to group.streams.max.session.timeout.ms'],
  ['heartbeat.interval.ms', '1', 'must be greater than or equal to group.streams.min.heartbeat.interval.ms'],
  ['heartbeat.interval.ms', '100000', 'must be less than or equal to group.streams.max.heartbeat.interval.ms'],
  ['num.standby.replicas', '3', 'must be less than or equal to group.streams.max.standby.replicas'],
] as const) {
  test(`streams.${name} of ${value}`, () => {
    const refuse = () => validateGroupConfigs(broker, new Map([[`streams.${name}`, value]]))
    assert.throws(refuse, { code: 'INVALID_CONFIG', message: `streams.${name} ${message}` })
  })
}

for (const kind of ['consumer', 'share', 'streams']) {
  test(`a ${kind} group whose heartbeats come no sooner than its session ends`, () => {
    const name = `${kind}.heartbeat.interval.ms`
    const wide = resolveBrokerConfig(
      loadConfig({
        defaults: developerDefaults({ dataDir: '/data' }),
        set: [`group.${kind}.max.heartbeat.interval.ms=50000`, `group.${kind}.session.timeout.ms=50000`],
      }).raw,
    )
    const refuse = () => validateGroupConfigs(wide, new Map([[name, '50000']]))
    assert.throws(refuse, { message: `${kind}.session.timeout.ms must be greater than ${name}` })
  })
}
