import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../io.ts'
import { VirtualClock } from '../memory/clock.ts'
import { type LogStream, type NodeLoggerOptions, nodeLogger } from './logger.ts'

class Lines implements LogStream {
  text = ''
  writableLength = 0
  readonly isTTY: boolean

  constructor(isTTY = false) {
    this.isTTY = isTTY
  }

  write(text: string): boolean {
    this.text += text
    return true
  }
}

const clock: Clock = new VirtualClock({ startMs: Date.UTC(2026, 10, 21, 6, 55, 0, 123) })

function logged(options: NodeLoggerOptions, log: (logger: ReturnType<typeof nodeLogger>) => void): string {
  const stream = new Lines()
  log(nodeLogger(clock, { stream, ...options }))
  return stream.text
}

test('text lines have time, level, message and fields', () => {
  const text = logged({}, logger => {
    logger.info('topic created', {
      topic: 'orders',
      partitions: 3,
      internal: false,
      epoch: 5n,
      owner: null,
      none: undefined,
    })
    logger.warn('odd values', { empty: '', spaced: 'a b', quoted: 'say "x"', equals: 'a=b', umlaut: 'größe' })
  })
  assert.equal(
    text,
    '2026-11-21T06:55:00.123Z INFO  topic created topic=orders partitions=3 internal=false epoch=5 owner=null\n' +
      '2026-11-21T06:55:00.123Z WARN  odd values empty="" spaced="a b" quoted="say \\"x\\"" equals="a=b" umlaut=größe\n',
  )
})

test('no value can end a line, colour it or hide in it', () => {
  const nasty = 'x\n2026 ERROR forged\r\x1b[31m\u2028\u202e\u200b\u{e0041}\u0085'
  const text = logged({}, logger => logger.info(nasty, { client: nasty }))
  assert.equal(text.split('\n').length, 2)
  assert.ok(!/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text.slice(0, -1)))
  assert.ok(text.includes('client="x\\n2026 ERROR forged\\r\\u001b[31m\\u2028\\u202e\\u200b\\udb40\\udc41\\u0085"'))
})

test('an error shows its stack and its causes on indented lines', () => {
  const error = new Error('outer\nforged', { cause: new TypeError('inner') })
  const lines = logged({}, logger => logger.error('request failed', { error, api: 'Fetch' })).split('\n')
  assert.equal(lines[0], '2026-11-21T06:55:00.123Z ERROR request failed error="outer\\nforged" api=Fetch')
  assert.equal(lines[1], '    Error: outer')
  assert.equal(lines[2], '    forged')
  assert.ok(lines.some(line => line === '    caused by: TypeError: inner'))
  for (const line of lines.slice(1, -1)) assert.match(line, /^ {4}/)
})

test('JSON lines are one object each', () => {
  const cause = Object.assign(new Error('disk full'), { code: 'ENOSPC' })
  const text = logged({ format: 'json' }, logger => {
    logger.error('append failed', {
      topic: 'a"b\n',
      level: 7,
      big: 2n ** 63n,
      lag: Number.NaN,
      error: new Error('x', { cause }),
    })
  })
  assert.equal(text.split('\n').length, 2)
  const { error, ...rest } = JSON.parse(text)
  assert.deepEqual(rest, {
    time: '2026-11-21T06:55:00.123Z',
    level: 'error',
    message: 'append failed',
    topic: 'a"b\n',
    _level: 7,
    big: '9223372036854775808',
    lag: 'NaN',
  })
  assert.equal(error.message, 'x')
  assert.equal(error.cause.code, 'ENOSPC')
  assert.match(error.stack, /logger\.test/)
})

test('lines below the level are not made', () => {
  const text = logged({ level: 'warn' }, logger => {
    assert.deepEqual([logger.isEnabled('info'), logger.isEnabled('warn')], [false, true])
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level)
  })
  assert.deepEqual(text.match(/(?<=Z )\w+/g), ['WARN', 'ERROR'])
  assert.equal(
    logged({}, logger => logger.debug('not by default')),
    '',
  )
})

test('children add their fields, the nearest last', () => {
  const text = logged({}, logger => {
    const child = logger.child({ node: 1, part: 'log' }).child({ part: 'cleaner' })
    child.info('cleaned', { bytes: 5 })
    logger.info('parent')
  })
  assert.match(text, /cleaned node=1 part=cleaner bytes=5\n/)
  assert.match(text, /parent\n$/)
})

test('colours only on a terminal that wants them', () => {
  const before = process.env.NO_COLOR
  const hasColor = (isTTY: boolean, noColor: string | undefined): boolean => {
    if (noColor === undefined) delete process.env.NO_COLOR
    else process.env.NO_COLOR = noColor
    const stream = new Lines(isTTY)
    nodeLogger(clock, { stream }).info('x', { a: 1 })
    return stream.text.includes('\x1b')
  }
  const seen = [hasColor(true, undefined), hasColor(true, ''), hasColor(true, '1'), hasColor(false, undefined)]
  if (before === undefined) delete process.env.NO_COLOR
  else process.env.NO_COLOR = before
  assert.deepEqual(seen, [true, true, false, false])
})

test('a stream that does not keep up loses lines, and is told how many', () => {
  const stream = new Lines()
  const logger = nodeLogger(clock, { stream })
  stream.writableLength = 2 ** 21
  for (let i = 0; i < 5; i++) logger.info('lost')
  assert.equal(stream.text, '')
  stream.writableLength = 0
  logger.info('kept')
  assert.match(stream.text, /WARN {2}log lines dropped.* count=5\n.*INFO {2}kept\n$/)
})

test('a logger goes by its own level, or by that of the nearest above it that has one', () => {
  logged({ level: 'warn' }, logger => {
    const deep = logger.named('a.b.c')
    const beside = logger.named('a.bc')
    const levels = () => [deep, beside].map(each => [each.isEnabled('debug'), each.isEnabled('info')])
    assert.deepEqual(levels(), [
      [false, false],
      [false, false],
    ])
    logger.levels.set('a', 'info')
    logger.levels.set('a.b', 'debug')
    assert.deepEqual(levels(), [
      [true, true],
      [false, true],
    ])
    logger.levels.set('a.b.c', 'error')
    logger.levels.unset('a')
    assert.deepEqual(levels(), [
      [false, false],
      [false, false],
    ])
    logger.levels.unset('a.b.c')
    assert.equal(deep.isEnabled('debug'), true)
  })
})

test('loggers with names have levels of their own, which change for all that have them', () => {
  const text = logged({ level: 'warn' }, logger => {
    const server = logger.named('server')
    const same = logger.child({ id: 1 }).named('server').child({ more: 2 })
    const other = logger.named('other')
    server.info('not yet')
    logger.levels.set('server', 'debug')
    server.debug('server speaks')
    same.debug('same speaks')
    other.info('other is silent')
    logger.levels.set('root', 'trace')
    other.debug('as the root does')
    logger.levels.set('root', 'fatal')
    other.error('nothing at all')
    assert.deepEqual(
      [...logger.levels.all()],
      [
        ['root', 'fatal'],
        ['server', 'debug'],
        ['other', 'fatal'],
      ],
    )
    assert.equal(server.isEnabled('info'), true)
    logger.levels.unset('server')
    assert.equal(server.isEnabled('error'), false)
    assert.throws(() => logger.levels.unset('root'))
  })
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map(line => line.slice(31)),
    ['server speaks', 'same speaks id=1 more=2', 'as the root does'],
  )
})
