/** `kafka-dump-log` over the files of a broker that does not run: Java's accepts them, and ours prints what Java's prints. */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { OTTLA } from './brokers.ts'
import type { Java } from './java.ts'
import { type Finished, run } from './process.ts'

const PATIENCE_MS = 60_000
const WRONG = /isvalid: false|mismatch|not match|not found|out of order|corrupt|exception|found .* bytes/i

export function filesIn(folder: string, pattern: string): string[] {
  return globSync(pattern, { cwd: folder })
    .map(file => join(folder, file))
    .sort()
}

/** Every batch, and indexes as a broker checks them when it starts. */
export async function acceptedByJava(java: Java, files: readonly string[]): Promise<void> {
  for (const [option, suffix] of [
    ['--deep-iteration', '.log'],
    ['--index-sanity-check', 'index'],
  ] as const) {
    const some = files.filter(file => file.endsWith(suffix))
    const { code, stdout, stderr } = await java.tool('dump-log', [option, '--files', some.join(',')])
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      `${stdout}\n${stderr}`.split('\n').filter(line => WRONG.test(line)),
      [],
    )
  }
}

export function ourDump(args: readonly string[]): Promise<Finished> {
  return run([process.execPath, OTTLA, 'kafka-dump-log', ...args], { timeoutMs: PATIENCE_MS })
}

/** To the byte; of an error its message. Answers how many lines there are. */
export async function sameDump(java: Java, args: readonly string[]): Promise<number> {
  // Ours first: Java's cuts an index that is no multiple of its entries, though it only reads it.
  const actual = await ourDump(args)
  const expected = await java.tool('dump-log', args)
  const [wanted, shown] = [expected, actual].map(lines) as [string[], string[]]
  const at = wanted.findIndex((line, i) => line !== shown[i])
  if (at >= 0) assert.fail(`${args.join(' ').slice(0, 300)}\n- ${wanted[at]}\n+ ${shown[at] ?? '(the end)'}`)
  assert.equal(shown.length, wanted.length, shown[wanted.length])
  return wanted.length
}

/** Of a client that a tool before it, in the same process, has left behind. */
const OF_OTHERS = /^\d\d:\d\d:\d\d\.\d+ WARN NetworkClient: /

function lines({ stdout, stderr, code }: Finished): string[] {
  const told = stderr
    .split('\n')
    .filter(line => !OF_OTHERS.test(line) && !/^\tat |^\s*\.\.\. \d+ more|^Caused by: |^OpenJDK/.test(line))
    .map(line => line.replace(/^(?:Exception in thread "main" )?(?:[a-z]\w*\.)+\w+(?:Exception|Error)(?:: |$)/, ''))
  return [...stdout.split('\n'), ...told.join('\n').trimEnd().split('\n'), `[ended with ${code}]`]
}
