/**
 * What every client program here shares: it is called as `PROGRAM COMMAND ARGS_JSON` and answers with JSON lines.
 * The words are described in ../README.md; the same ones are spoken in Python, Go and Java.
 */
import { readFileSync } from 'node:fs'

export const base64 = bytes => (bytes == null ? null : Buffer.from(bytes).toString('base64'))
export const unbase64 = text => (text == null ? null : Buffer.from(text, 'base64'))

/** One JSON line; bigint as a number. */
export function emit(value) {
  process.stdout.write(`${JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? Number(v) : v))}\n`)
}

/** The records to send, with keys, values and header values as Buffers or null. */
export function readRecords(path) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const record = JSON.parse(line)
      return {
        key: unbase64(record.key),
        value: unbase64(record.value),
        headers: record.headers.map(([name, value]) => [name, unbase64(value)]),
        timestamp: record.timestamp,
      }
    })
}

/** Thrown by an operation of `admin` that its client has only in part. */
export class Lacking extends Error {}

/** Runs each step of `admin`; a broker's error is an answer, not a failure of the program. */
export async function runSteps(steps, operations) {
  for (const { op, ...step } of steps) {
    const operation = operations[op]
    if (!operation) {
      emit({ op, lacks: 'this client has no such call' })
      continue
    }
    try {
      emit({ op, result: (await operation(step)) ?? null })
    } catch (error) {
      emit(error instanceof Lacking ? { op, lacks: error.message } : { op, error: describe(error) })
    }
  }
}

/** The message of an error with those of its causes, for clients that wrap what the broker said. */
export function describe(error) {
  const seen = []
  const visit = each => {
    if (!each || seen.length > 10) return
    seen.push([each.apiId ?? each.type, each.message].filter(Boolean).join(' '))
    for (const inner of each.errors ?? []) visit(inner)
    visit(each.cause)
  }
  visit(error)
  return seen.join(': ')
}

/** Picks the command and runs it; an error ends the process with a code. */
export async function main(commands) {
  const [name, text] = process.argv.slice(2)
  const command = commands[name]
  if (!command) throw new Error(`no command ${name}; there are ${Object.keys(commands).join(', ')}`)
  await command(JSON.parse(text))
}

/** Calls `leave` on the first SIGTERM, then ends the process: a group member's orderly departure. */
export function onTerminate(leave) {
  process.once('SIGTERM', async () => {
    await leave()
    process.exit(0)
  })
}
