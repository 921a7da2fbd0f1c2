/**
 * The clients under which the broker is put, and what each of them can't do: not every client can say everything that a
 * record may hold. Whatever is listed here is told as skipped, with its reason.
 */
import { CommandFailed, poll, run } from './process.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Line = { [key: string]: Json }

/** Kinds of record content that some client can't send. */
export type Feature = 'timestamp' | 'null header' | 'empty key' | 'binary key' | 'binary header'

export interface Client {
  readonly name: string
  /** The program, to which the subcommand and its arguments are appended. */
  readonly command: readonly string[]
  readonly cannotSend: ReadonlyMap<Feature, string>
  /** 'by name': a header's values come together; 'as text': as kcat's %h prints them. */
  readonly readsHeaders: 'in order' | 'by name' | 'as text'
  /** What it hands over for an empty key, value or header value is the same as for none. */
  readonly readsEmptyAsNull?: boolean
  /** Why there is no idempotent producer, if so. */
  readonly noIdempotence?: string
  /** A member's offset may be committed before we see its record, so that a kill under load proves nothing. */
  readonly commitsByItself?: boolean
}

type Traits = Omit<Client, 'name' | 'command'>

const CAPABLE: Traits = { cannotSend: new Map(), readsHeaders: 'in order' }

const TRAITS: Record<string, Traits> = {
  kafkajs: {
    cannotSend: new Map([['null header', 'it takes the length of every header value']]),
    readsHeaders: 'by name',
  },
  platformatic: CAPABLE,
  'confluent-kafka': CAPABLE,
  'kafka-python': {
    ...CAPABLE,
    cannotSend: new Map([['null header', 'it wants every header value to be bytes']]),
  },
  kcat: {
    cannotSend: new Map([
      ['timestamp', 'no option for it'],
      ['binary key', 'keys are command line text'],
      ['binary header', 'headers are command line text'],
      ['empty key', 'an empty key is no key to it'],
    ]),
    readsHeaders: 'as text',
    commitsByItself: true,
  },
  'franz-go': CAPABLE,
  'kafka-go': { ...CAPABLE, readsEmptyAsNull: true, noIdempotence: 'its writer has no producer id' },
  java: CAPABLE,
}

export function clientsFrom(commands: Record<string, readonly string[]>): Client[] {
  return Object.entries(TRAITS)
    .filter(([name]) => commands[name])
    .map(([name, traits]) => ({ name, command: commands[name]!, ...traits }))
}

/** Names of all clients, for telling which are left out. */
export const CLIENT_NAMES: readonly string[] = Object.keys(TRAITS)

/** Runs a client's subcommand to its end; the JSON lines that it printed. */
export async function call(client: Client, command: string, args: object, timeoutMs = 60_000): Promise<Line[]> {
  const finished = await run([...client.command, command, JSON.stringify(args)], { timeoutMs })
  if (finished.code !== 0) {
    const how = finished.signal ? `was ended by ${finished.signal}` : `ended with code ${finished.code}`
    const lines = finished.stdout.split('\n').length - 1
    throw new CommandFailed(`${client.name} ${command} ${how} after ${lines} lines`, {
      ...finished,
      stdout: '',
    })
  }
  return parseLines(finished.stdout)
}

export function parseLines(text: string): Line[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Line)
}

/** A client to do what the one under test can't, or to look at what it did: the first of these that is there. */
export function helperFor(clients: readonly Client[], except?: Client): Client {
  const order = ['franz-go', 'java', 'confluent-kafka', 'kafka-python', 'platformatic', 'kafkajs']
  for (const name of order) {
    const found = clients.find(client => client.name === name)
    if (found && found !== except) return found
  }
  throw new Error(`no client to help: one of ${order.join(', ')} is needed`)
}

/** Runs one step of `admin`; its answer, or an error with the broker's. */
export async function ask(client: Client, bootstrap: string, step: object): Promise<Json> {
  const [answer] = await call(client, 'admin', { bootstrap, steps: [step] })
  if (!answer || !('result' in answer)) throw new Error(`${client.name}: ${JSON.stringify(answer)}`)
  return answer.result!
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly configs?: Record<string, string>
}

/**
 * Creates topics and waits until they are to be seen: a broker answers the creation when the controller has done it,
 * a moment before it knows itself.
 */
export async function createTopics(client: Client, bootstrap: string, topics: readonly NewTopic[]): Promise<void> {
  await ask(client, bootstrap, { op: 'create-topics', topics })
  await poll(
    `topics ${topics.map(topic => topic.name)}`,
    async () => {
      const names = (await ask(client, bootstrap, { op: 'list-topics' })) as string[]
      return topics.every(topic => names.includes(topic.name)) || undefined
    },
    10_000,
  )
}

/** The first who asks for a group's coordinator finds none until its topic is made; not every client would wait. */
export async function warmUp(client: Client, bootstrap: string): Promise<void> {
  await createTopics(client, bootstrap, [{ name: 'first', partitions: 1 }])
  await ask(client, bootstrap, { op: 'set-group-offsets', group: 'first', topic: 'first', offsets: { 0: 0 } })
}
