/**
 * For tests: scenarios that a person can read. A transcript is a text file of commands and what they answer:
 *
 *     # a comment
 *     command and its arguments
 *     ----
 *     what it answers, up to an empty line
 *
 * A test runs the commands and compares. `npm test -- --test-update-snapshots packages/broker/x` writes the answers
 * into the files instead; then read the diff.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'

export type Run = (command: string) => string

const SEPARATOR = '----'

/** One test a file; `start` makes what the commands of one file run against. */
export function testTranscripts(folder: string, start: () => Run): void {
  const isUpdate = process.execArgv.includes('--test-update-snapshots')
  const files = globSync('*.txt', { cwd: folder }).sort()
  test(`${basename(folder)} has transcripts`, () => assert.notEqual(files.length, 0))
  for (const file of files) {
    test(file, () => {
      const path = join(folder, file)
      const text = readFileSync(path, 'utf8')
      const actual = rewritten(text, start())
      if (isUpdate && actual !== text) writeFileSync(path, actual)
      else assert.equal(actual, text)
    })
  }
}

function rewritten(text: string, run: Run): string {
  const blocks = text.trimEnd().split(/\n\n+/)
  const answered = blocks.map(block => {
    const lines = block.split('\n')
    const comments = lines.filter(line => line.startsWith('#'))
    const rest = lines.slice(comments.length)
    const end = rest.indexOf(SEPARATOR)
    const commands = end < 0 ? rest : rest.slice(0, end)
    if (commands.length === 0) return comments.join('\n')
    const answer = run(commands.join('\n')).trimEnd()
    return [...comments, ...commands, SEPARATOR, ...(answer === '' ? [] : [answer])].join('\n')
  })
  return `${answered.join('\n\n')}\n`
}
