/**
 * A group of Java consumers turns from the classic to the consumer protocol and back while it works, member by member as
 * an operator would restart them; then a static member and a subscription by regular expression. All partitions are
 * always somebody's in the end and never two members', and no record is missed. (KIP-848: online upgrade and downgrade.)
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ask, type Client, createTopics, helperFor, warmUp } from '../clients.ts'
import type { Context } from '../context.ts'
import { Members } from '../members.ts'
import { poll } from '../process.ts'

const PARTITIONS = 12
const SESSION_MS = 4000
const SETTINGS = {
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.session.timeout.ms': SESSION_MS,
  'group.consumer.min.heartbeat.interval.ms': 100,
  'group.consumer.heartbeat.interval.ms': 300,
  'group.initial.rebalance.delay.ms': 500,
  'group.min.session.timeout.ms': 1000,
}
const CONSUMER = { protocol: 'consumer' }

export async function groupMigration(context: Context): Promise<void> {
  const { kit, report, kind, brokers } = context
  const java = kit.clients.find(({ name }) => name === 'java')
  if (!java) {
    report.skip('group-migration', 'Java or Apache Kafka is missing')
    return
  }
  const folder = join(kit.scratch, 'group-migration')
  mkdirSync(folder)
  const broker = await brokers.start(kind, { folder, settings: SETTINGS })
  await warmUp(helperFor(kit.clients), broker.bootstrap)
  const runs: [string, Step[]][] = [
    ['there and back', THERE_AND_BACK],
    ['static members', STATIC],
    ['a regular expression', REGEX],
    ['the range assignor', RANGE],
  ]
  for (const [name, steps] of runs) {
    if (report.wants(`group-migration/${name}`)) await run(context, java, broker.bootstrap, name, steps)
  }
  await broker.stop()
}

type Step = readonly [what: string, step: (members: Members) => Promise<void>]

async function run(context: Context, java: Client, bootstrap: string, name: string, steps: readonly Step[]) {
  const { report, kit } = context
  const topic = `migration.${name.replaceAll(' ', '-')}`
  const helper = helperFor(kit.clients, java)
  await createTopics(helper, bootstrap, [{ name: topic, partitions: PARTITIONS }])
  const group = `group-of-${topic}`
  const common = { context, client: java, bootstrap, topic, group }
  const members = new Members({ ...common, partitions: PARTITIONS, sessionMs: SESSION_MS })
  const last: Step = [
    'nothing was missed',
    async () => {
      await members.stop()
      const ends = await ask(helper, bootstrap, { op: 'list-offsets', topic, at: 'latest' })
      assert.deepEqual(await ask(helper, bootstrap, { op: 'group-offsets', topic, group }), ends)
    },
  ]
  let broken: string | undefined
  try {
    for (const [what, step] of [...steps, last]) {
      const check = `group-migration/${name}/${what}`
      if (broken) report.skip(check, `it follows «${broken}», which failed`)
      else if (!(await report.check(check, () => step(members)))) broken = what
    }
  } finally {
    await members.killAll()
  }
}

async function untilType(members: Members, type: string): Promise<void> {
  const isType = async () => (await members.groupType()).toLowerCase() === type || undefined
  await poll(`a group of the ${type} protocol`, isType, 30_000)
}

async function shareAndDeliver(members: Members): Promise<void> {
  await members.untilShared()
  await members.deliver()
}

const THERE_AND_BACK: Step[] = [
  [
    'two classic members',
    async members => {
      for (let i = 0; i < 2; i++) members.start()
      await shareAndDeliver(members)
      await untilType(members, 'classic')
    },
  ],
  [
    'a member of the consumer protocol joins',
    async members => {
      members.start(CONSUMER)
      await untilType(members, 'consumer')
      await shareAndDeliver(members)
    },
  ],
  [
    'one classic member is replaced',
    async members => {
      await members.stop([members.living[0]!])
      members.start(CONSUMER)
      await shareAndDeliver(members)
    },
  ],
  [
    'so is the other one',
    async members => {
      await members.stop([members.living[0]!])
      members.start(CONSUMER)
      await shareAndDeliver(members)
    },
  ],
  [
    'a classic member comes back',
    async members => {
      members.start()
      await shareAndDeliver(members)
      await untilType(members, 'consumer')
    },
  ],
  [
    'all others leave: the group is classic again',
    async members => {
      await members.stop(members.living.slice(0, -1))
      await untilType(members, 'classic')
      members.start()
      await shareAndDeliver(members)
    },
  ],
]

const STATIC: Step[] = [
  [
    'two classic static members',
    async members => {
      members.start({ instance: 'i' })
      members.start({ instance: 'j' })
      await shareAndDeliver(members)
    },
  ],
  [
    'each is replaced by one of the consumer protocol',
    async members => {
      for (const instance of ['i', 'j']) {
        await members.stop([members.living[0]!])
        members.start({ ...CONSUMER, instance })
        await shareAndDeliver(members)
      }
      await untilType(members, 'consumer')
    },
  ],
  [
    'one is away for a moment',
    async members => {
      await members.stop([members.living[0]!])
      members.start({ ...CONSUMER, instance: 'i' })
      await shareAndDeliver(members)
    },
  ],
  [
    'and back to the classic protocol',
    async members => {
      for (const instance of ['j', 'i']) {
        await members.stop([members.living[0]!])
        members.start({ instance })
        await shareAndDeliver(members)
      }
      await untilType(members, 'classic')
    },
  ],
]

const REGEX: Step[] = [
  [
    'two members that ask for it',
    async members => {
      const pattern = 'migration\\.a-reg[a-z]+-expression'
      for (let i = 0; i < 2; i++) members.start({ ...CONSUMER, pattern })
      await shareAndDeliver(members)
    },
  ],
  [
    'and one by name',
    async members => {
      members.start(CONSUMER)
      await shareAndDeliver(members)
    },
  ],
]

const RANGE: Step[] = [
  [
    'two members that ask for it',
    async members => {
      for (let i = 0; i < 2; i++) members.start({ ...CONSUMER, assignor: 'range' })
      await shareAndDeliver(members)
      const held = members.living
        .map(member => [...member.assigned].sort((a, b) => a - b))
        .sort((a, b) => a[0]! - b[0]!)
      assert.deepEqual(held, [
        [0, 1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10, 11],
      ])
    },
  ],
]
