import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearest } from './names.ts'
import { PropertiesSyntaxError, parseProperties } from './properties.ts'
import { parseDuration } from './validators.ts'
import { BadValue, doubleText, parseValue } from './values.ts'

test('a whole number is read and printed exactly, whatever its size', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constantFrom('', ' ', '\t'),
      (exact, space) => {
        const parsed = parseValue('long', `${space}${exact}${space}`)
        assert.ok(!(parsed instanceof BadValue))
        assert.equal(parsed.text, String(exact))
        const isSafe = Number.isSafeInteger(Number(exact))
        assert.equal(
          parsed.value,
          isSafe ? Number(exact) : exact > 0n ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
        )
      },
    ),
  )
})

test('a number out of range is refused, whatever the type', () => {
  for (const [type, bits] of [
    ['short', 15n],
    ['int', 31n],
    ['long', 63n],
  ] as const) {
    assert.ok(!(parseValue(type, String(2n ** bits - 1n)) instanceof BadValue))
    assert.ok(!(parseValue(type, String(-(2n ** bits))) instanceof BadValue))
    assert.ok(parseValue(type, String(2n ** bits)) instanceof BadValue)
    assert.ok(parseValue(type, String(-(2n ** bits) - 1n)) instanceof BadValue)
  }
})

test('a double is printed as Java prints it, and reads back as itself', () => {
  for (const [value, text] of [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [0.5, '0.5'],
    [0.001, '0.001'],
    [0.0001, '1.0E-4'],
    [9_999_999, '9999999.0'],
    [1e7, '1.0E7'],
    [2_147_483_647, '2.147483647E9'],
    [Number.MAX_VALUE, '1.7976931348623157E308'],
    [123.456, '123.456'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [1.5e-7, '1.5E-7'],
  ] as const)
    assert.equal(doubleText(value), text)
  fc.assert(
    fc.property(fc.double(), value => {
      const parsed = parseValue('double', doubleText(value))
      assert.ok(!(parsed instanceof BadValue))
      assert.ok(Object.is(parsed.value, value), doubleText(value))
    }),
  )
})

test('hexadecimal doubles are read as Java reads them', () => {
  for (const [text, value] of [
    ['0x1p3', 8],
    ['-0x1.8p1', -3],
    ['0x.8P0', 0.5],
    ['0XAp-1f', 5],
  ] as const) {
    const parsed = parseValue('double', text)
    assert.ok(!(parsed instanceof BadValue))
    assert.equal(parsed.value, value)
  }
  for (const text of ['0x1', '0xp1', '1e', '--1', '1d1', 'nan', ''])
    assert.ok(parseValue('double', text) instanceof BadValue, text)
})

test('properties read back whatever was written', () => {
  const escaped = (text: string) =>
    text.replace(/[\\=: \t\n\r\f#!]/g, c => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' })[c] ?? `\\${c}`)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string())), pairs => {
      const text = pairs.map(([key, value]) => `${escaped(key)}=${escaped(value)}`).join('\n')
      assert.deepEqual(
        parseProperties(text).map(({ key, value, line }) => [key, value, line]),
        pairs.map(([key, value], i) => [key, value, i + 1]),
      )
    }),
  )
})

test('any text is read as properties, or is a coded error', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\\', 'u', '0', '\n', '\r', ' ', '=', ':', '#', '\t', '\f') }),
      text => {
        try {
          for (const { line } of parseProperties(text)) assert.ok(line >= 1)
        } catch (error) {
          assert.ok(error instanceof PropertiesSyntaxError)
        }
      },
    ),
  )
})

test('durations', () => {
  for (const [text, ms] of [
    ['PT1S', 1000],
    ['P1DT2H3M4.5S', 93_784_500],
    ['PT-1H', -3_600_000],
    ['-PT1H', -3_600_000],
    ['PT-0.5S', -500],
    ['pt1h', 3_600_000],
  ] as const)
    assert.equal(parseDuration(text), ms)
  for (const text of ['P', 'PT', 'P1M', 'P1Y', '1h', '']) assert.equal(parseDuration(text), null, text)
})

test('the nearest name', () => {
  const names = ['log.retention.ms', 'log.retention.hours', 'num.partitions']
  assert.equal(nearest('log.retention.hour', names), 'log.retention.hours')
  assert.equal(nearest('num.partition', names), 'num.partitions')
  assert.equal(nearest('something.else.entirely', names), null)
  assert.equal(nearest('x', names), null)
})
