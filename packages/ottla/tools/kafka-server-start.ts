/** `kafka-server-start [-daemon] server.properties [--override key=value]...`: `ottla start` by the name of Apache Kafka's script. */
import { mkdirSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { start } from '../commands/start.ts'
import { joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import type { Options } from './options.ts'

const OPTIONS = {
  daemon: { about: 'Run on in the background; what it says goes to kafkaServer.out in LOG_DIR, or in ./logs.' },
  override: { about: 'A config that is stronger than the file; may be given again.', value: 'key=value' },
} as const satisfies Options
const OUTPUT = 'kafkaServer.out'

export const kafkaServerStart = joptTool<typeof OPTIONS>({
  name: 'kafka-server-start',
  about: 'USAGE: kafka-server-start [-daemon] server.properties [--override property=value]*',
  options: OPTIONS,
  async run(options, context) {
    const [config, ...more] = options.words
    if (config === undefined || more.length > 0)
      throw new ToolError('USAGE: kafka-server-start [-daemon] server.properties [--override property=value]*')
    const overrides = options.texts('override')
    if (!options.has('daemon')) {
      await start({ config, set: overrides, logLevel: 'info', logFormat: 'text', clientTelemetry: true })
      return
    }
    const folder = resolve(process.env.LOG_DIR ?? 'logs')
    mkdirSync(folder, { recursive: true })
    const output = openSync(join(folder, OUTPUT), 'a')
    const args = [config, ...overrides.flatMap(one => ['--override', one])]
    const { spawn } = process.getBuiltinModule('node:child_process')
    const child = spawn(process.execPath, [process.argv[1]!, 'kafka-server-start', ...args], {
      detached: true,
      stdio: ['ignore', output, output],
    })
    child.unref()
    context.complain(`process ${child.pid} starts; it tells of itself in ${join(folder, OUTPUT)}`)
  },
})
