import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArgumentError, parseArgparse } from './argparse.ts'
import { type ArgparseTool, argparseTool } from './declaration.ts'
import { type Options, parseJopt } from './options.ts'

const OPTIONS = {
  topic: { about: '', value: 'topic' },
  list: { about: '' },
  describe: { about: '' },
  state: { about: '', value: 'states', isValueOptional: true, onlyWith: ['list', 'describe'] },
  partitions: { about: '', value: 'count', default: '3' },
  keys: { about: '', value: 'k1,k2', separator: ',' },
} as const satisfies Options

const parse = (line: string) => parseJopt(OPTIONS, line.split(' '))

test('an option stands alone, with an equal sign, with one dash', () => {
  for (const line of ['--topic a', '--topic=a', '-topic a', '--topic= a']) assert.equal(parse(line).text('topic'), 'a')
  assert.equal(parse('--topic --list').text('topic'), '--list', 'what is required is taken whatever it is')
})

test('a value that may be left out is not the next option', () => {
  const left = parse('--list --state --topic a')
  assert.deepEqual([left.has('state'), left.text('state'), left.text('topic')], [true, null, 'a'])
  assert.equal(parse('--list --state stable').text('state'), 'stable')
})

test('options again and again, separated values, defaults, words', () => {
  assert.deepEqual(parse('--topic a --topic b').texts('topic'), ['a', 'b'])
  assert.deepEqual(parse('--keys a,b --keys c').texts('keys'), ['a', 'b', 'c'])
  assert.equal(parse('--list').int('partitions'), 3)
  assert.deepEqual(parse('--list word -- --topic').words, ['word', '--topic'])
})

const WRONG: Readonly<Record<string, string>> = {
  '--foo': 'foo is not a recognized option',
  '-foo': 'f is not a recognized option',
  '--topic': 'Option topic requires an argument',
  '--state': 'Option(s) [state] are unavailable given other options on the command line',
}

for (const [line, message] of Object.entries(WRONG))
  test(`${line}: ${message}`, () => assert.throws(() => parse(line), { message }))

test('what is wrong with a value is found when it is asked for', () => {
  assert.throws(() => parse('--topic a --topic b').text('topic'), {
    message: 'Found multiple arguments for option topic, but you asked for only one',
  })
  assert.throws(() => parse('--partitions x').int('partitions'), {
    message: "Cannot parse argument 'x' of option partitions",
  })
})

const TOOL = argparseTool({
  name: 'kafka-thing',
  about: '',
  options: {
    'bootstrap-server': { about: '', value: 'servers', oneOf: 'exactly' },
    'bootstrap-controller': { about: '', value: 'servers', oneOf: 'exactly' },
  },
  commands: {
    go: {
      about: '',
      options: {
        id: { about: '', value: 'id', type: 'int', aliases: ['i'], isRequired: true },
        feature: { about: '', value: 'feature', isRepeated: true },
      },
      run: async () => {},
    },
  },
}) as ArgparseTool

test('options before the command and after it, short, abbreviated, repeated', () => {
  const line = '--bootstrap-s a:1 go -i 5 --feature=a --feature b'
  const { options, name } = parseArgparse(TOOL, line.split(' '))
  assert.deepEqual([name, options.int('id'), options.texts('feature')], ['go', 5, ['a', 'b']])
})

const WRONG_ARGUMENTS: Readonly<Record<string, string>> = {
  '': 'too few arguments',
  stop: "invalid choice: 'stop' (choose from 'go')",
  'go --id 1': 'one of the arguments --bootstrap-server --bootstrap-controller is required',
  '--bootstrap-server a:1 go': 'argument --id/-i is required',
  '--bootstrap-server a:1 go --id x': `argument --id/-i: could not convert 'x' to Integer (For input string: "x")`,
  '--bootstrap-server a:1 go --id 1 --foo': "unrecognized arguments: '--foo'",
  '--bootstrap-server a:1 --bootstrap-controller b:1 go --id 1':
    'argument --bootstrap-controller: not allowed with argument --bootstrap-server',
  '--boot a:1 go --id 1': 'ambiguous option: --boot could match --bootstrap-server, --bootstrap-controller',
}

for (const [line, message] of Object.entries(WRONG_ARGUMENTS)) {
  test(`argparse, '${line}': ${message}`, () => {
    const args = line === '' ? [] : line.split(' ')
    assert.throws(
      () => parseArgparse(TOOL, args),
      error => error instanceof ArgumentError && error.message === message,
    )
  })
}
