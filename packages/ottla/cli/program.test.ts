import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from 'commander'
import { makeProgram } from './program.ts'

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)]
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

test('help says of each command and each option what it is for', () => {
  const silent = all(makeProgram()).flatMap(command => [
    ...(command.description() === '' ? [pathOf(command)] : []),
    ...command.options.filter(option => option.description === '').map(({ flags }) => `${pathOf(command)} ${flags}`),
  ])
  assert.deepEqual(silent, [])
})
