/**
 * Configs of every type of resource, asked for and altered in ways that no tool does: names, operations and values that
 * can't be, loggers, and how long a request to the controller may take. Every answer has to be Apache Kafka's, which is
 * kept in ../expected/config-errors.txt. Of loggers only the root has a name that both brokers know.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AlterConfigsRequest, AlterConfigsResponse } from '@ottla/protocol/messages/alter-configs'
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { NODE_ID } from '../brokers.ts'
import type { Context } from '../context.ts'
import { runTopicCases, type TopicCase, TopicProbe } from '../topic-probe.ts'

const ALTER = { request: AlterConfigsRequest, response: AlterConfigsResponse }
const CHANGE = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const DELETE = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const DESCRIBE = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const GROW = { request: CreatePartitionsRequest, response: CreatePartitionsResponse }

const Type = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 } as const
const [SET, REMOVE, APPEND, SUBTRACT] = [0, 1, 2, 3]
const ME = String(NODE_ID)

type Operation = readonly [name: string, operation: number | undefined, value: string | null]

class Probe extends TopicProbe {
  async describe(what: string, resourceType: number, resourceName: string, keys: string[] | null = null) {
    const resources = [{ resourceType, resourceName, configurationKeys: keys }]
    // A controller answers a moment before the broker knows what it has changed.
    await sleep(100)
    await this.tell(`describe ${what}`, this.asker().ask(DESCRIBE, 4, { resources }))
  }

  async change(
    what: string,
    resourceType: number,
    resourceName: string,
    operations: Operation[],
    validateOnly = false,
  ) {
    const configs = operations.map(([name, configOperation = SET!, value]) => ({ name, configOperation, value }))
    const request = { resources: [{ resourceType, resourceName, configs }], validateOnly }
    await this.tell(what, this.asker().ask(CHANGE, 1, request))
  }

  async alter(what: string, resourceType: number, resourceName: string, configs: [string, string | null][]) {
    const entries = configs.map(([name, value]) => ({ name, value }))
    const request = { resources: [{ resourceType, resourceName, configs: entries }], validateOnly: false }
    await this.tell(`all of ${what}`, this.asker().ask(ALTER, 2, request))
  }
}

export async function configErrors(context: Context): Promise<void> {
  const folder = join(context.kit.scratch, 'config-errors')
  mkdirSync(folder)
  const broker = await context.brokers.start(context.kind, { folder })
  await runTopicCases('config-errors', context, broker, CASES, name => new Probe(name, broker.bootstrap))
}

const CASES: Record<string, TopicCase<Probe>> = {
  'resource types': {
    async run(p) {
      for (const type of [0, 1, 3, 64, 127, -1]) {
        await p.describe(`type ${type}`, type, 'x')
        await p.change(`change type ${type}`, type, 'x', [['a', SET, 'b']])
        await p.alter(`type ${type}`, type, 'x', [['a', 'b']])
      }
    },
  },
  'loggers: what is refused': {
    async run(p) {
      for (const name of ['', '2', 'x', `0${ME}`]) {
        await p.describe(`the loggers of '${name}'`, Type.logger, name, ['nobody'])
        await p.change(`a level at '${name}'`, Type.logger, name, [['root', SET, 'INFO']], true)
      }
      await p.change('no such logger', Type.logger, ME, [['nobody', SET, 'INFO']])
      await p.change('no such logger, removed', Type.logger, ME, [['nobody', REMOVE, null]])
      for (const level of ['info', 'OFF', 'ALL', '', 'LOUD'])
        await p.change(`level ${level}`, Type.logger, ME, [['root', SET, level]])
      await p.change('no level', Type.logger, ME, [['root', SET, null]])
      await p.change('the root removed', Type.logger, ME, [['root', REMOVE, null]])
      await p.change('appended', Type.logger, ME, [['root', APPEND, 'INFO']])
      await p.change('subtracted', Type.logger, ME, [['root', SUBTRACT, 'INFO']])
      await p.change('twice', Type.logger, ME, [
        ['root', SET, 'INFO'],
        ['root', SET, 'WARN'],
      ])
      await p.alter('loggers', Type.logger, ME, [['root', 'INFO']])
    },
  },
  'loggers: the root': {
    async run(p) {
      for (const level of ['FATAL', 'ERROR', 'WARN', 'DEBUG', 'TRACE', 'INFO']) {
        await p.change(`to ${level}`, Type.logger, ME, [['root', SET, level]], true)
        await p.change(`to ${level}`, Type.logger, ME, [['root', SET, level]])
        await p.describe(`at ${level}`, Type.logger, ME, ['root', 'nobody'])
      }
      await p.change('one of two is wrong', Type.logger, ME, [
        ['root', SET, 'ERROR'],
        ['nobody', SET, 'ERROR'],
      ])
      await p.describe('left as it was', Type.logger, ME, ['root'])
    },
  },
  'groups and client metrics': {
    async run(p) {
      for (const [what, type] of [
        ['group', Type.group],
        ['client metrics', Type.clientMetrics],
      ] as const) {
        await p.describe(`${what} without a name`, type, '')
        await p.change(`${what} without a name`, type, '', [['interval.ms', SET, '1000']])
        await p.alter(`${what} without a name`, type, '', [])
        await p.change(`${what}: no such key`, type, 'x', [['nobody', SET, '1']])
        await p.change(`${what}: no value`, type, 'x', [['interval.ms', SET, null]])
        await p.change(`${what}: nothing`, type, 'x', [])
        await p.describe(`${what} of which nothing is set`, type, 'x', ['interval.ms', 'share.auto.offset.reset'])
      }
      await p.change('a short interval', Type.clientMetrics, 'x', [['interval.ms', SET, '99']])
      await p.change('no number', Type.clientMetrics, 'x', [['interval.ms', SET, 'often']])
      await p.change('an odd match', Type.clientMetrics, 'x', [['match', SET, 'color=red']])
      await p.change('metrics', Type.clientMetrics, 'x', [['metrics', SET, 'a.,b.']])
      await p.change('appended', Type.clientMetrics, 'x', [['metrics', APPEND, 'c.']])
      await p.describe('them', Type.clientMetrics, 'x', ['metrics'])
      await p.change('removed', Type.clientMetrics, 'x', [['metrics', REMOVE, null]])
      await p.describe('none', Type.clientMetrics, 'x', ['metrics'])
      await p.change('a short session', Type.group, 'x', [['consumer.session.timeout.ms', SET, '1']])
      await p.change('a session', Type.group, 'x', [['consumer.session.timeout.ms', SET, '50000']])
      await p.describe('it', Type.group, 'x', ['consumer.session.timeout.ms'])
      await p.change('appended to what is no list', Type.group, 'x', [['consumer.session.timeout.ms', APPEND, '1']])
      await p.alter('nothing left', Type.group, 'x', [])
      await p.describe('the default', Type.group, 'x', ['consumer.session.timeout.ms'])
    },
  },
  'limits of listeners': {
    async run(p) {
      for (const name of [ME, '']) {
        for (const key of ['max.connections', 'max.connection.creation.rate', 'num.network.threads']) {
          for (const prefix of ['', 'listener.name.plaintext.']) {
            const limit = (value: string) => [[`${prefix}${key}`, SET, value]] as Operation[]
            for (const value of ['0', '-1', 'x', '4'])
              await p.change(`'${name}' ${prefix}${key}=${value}`, Type.broker, name, limit(value), true)
          }
        }
        await p.change(
          `'${name}' of nobody`,
          Type.broker,
          name,
          [['listener.name.nobody.max.connections', SET, '0']],
          true,
        )
      }
    },
  },
  brokers: {
    async run(p) {
      for (const name of ['2', '-1', 'x', `0${ME}`]) {
        await p.describe(`broker '${name}'`, Type.broker, name, ['max.connections'])
        await p.change(`broker '${name}'`, Type.broker, name, [['max.connections', SET, '1000']], true)
        await p.alter(`broker '${name}'`, Type.broker, name, [['nobody', 'x']])
      }
      await p.change('read only', Type.broker, ME, [['broker.id', SET, '7']])
      await p.change('for all only', Type.broker, ME, [['max.connections', SET, 'x']])
      await p.change('no such operation', Type.broker, '', [['max.connections', 9, '1']])
      await p.change('appended to a number', Type.broker, '', [['max.connections', APPEND, '1']])
    },
  },
  topics: {
    async run(p) {
      for (const name of ['', 'nobody', 'a b', '..']) {
        await p.describe(`topic '${name}'`, Type.topic, name, ['retention.ms'])
        await p.change(`topic '${name}'`, Type.topic, name, [['retention.ms', SET, '1000']])
        await p.alter(`topic '${name}'`, Type.topic, name, [['retention.ms', '1000']])
      }
      await p.change('no such key', Type.topic, p.topic, [['nobody', SET, '1']])
      await p.change('no value', Type.topic, p.topic, [['retention.ms', SET, null]])
      await p.change('a bad value', Type.topic, p.topic, [['retention.ms', SET, 'long']])
      await p.change('removed what is not set', Type.topic, p.topic, [['retention.ms', REMOVE, null]])
      await p.change('removed what nobody knows', Type.topic, p.topic, [['nobody', REMOVE, null]])
      await p.change('subtracted from a number', Type.topic, p.topic, [['retention.ms', SUBTRACT, '1']])
      await p.alter('no value', Type.topic, p.topic, [['retention.ms', null]])
      const one = { resourceType: Type.topic, resourceName: p.topic, configs: [] }
      await p.tell('the same topic twice', p.asker().ask(CHANGE, 1, { resources: [one, one], validateOnly: false }))
      await p.tell('nothing', p.asker().ask(CHANGE, 1, { resources: [], validateOnly: false }))
    },
  },
  'how long it may take': {
    async run(p) {
      const wanted = (name: string) => ({ name: `${p.topic}-${name}`, numPartitions: 1, replicationFactor: 1 })
      for (const timeoutMs of [0, -1, 60_000]) {
        const topics = [wanted('a'), wanted('b')]
        const all = { timeoutMs, validateOnly: true }
        await p.tell(`create in ${timeoutMs} ms`, withoutConfigs(p.asker().ask(CREATE, 7, { topics, ...all })))
        const grown = [{ name: p.topic, count: 3, assignments: null }]
        await p.tell(`grow in ${timeoutMs} ms`, p.asker().ask(GROW, 3, { topics: grown, ...all }))
        const gone = { topics: [{ name: 'nobody' }], timeoutMs }
        await p.tell(`delete in ${timeoutMs} ms`, p.asker().ask(DELETE, 6, gone))
      }
    },
  },
}

/** Of created topics without their configs and ids. */
async function withoutConfigs<T extends object>(answer: Promise<T>): Promise<T> {
  const response = await answer
  const { topics } = response as unknown as { topics: { configs: unknown }[] }
  return { ...response, topics: topics.map(topic => ({ ...topic, topicId: '', configs: null })) }
}
