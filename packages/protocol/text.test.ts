import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type * as Text from './text.ts'

const FILE = './text.ts'

/** The module as it is where there is no Buffer. */
async function inBrowser(): Promise<typeof Text> {
  const { Buffer } = globalThis
  Reflect.deleteProperty(globalThis, 'Buffer')
  try {
    return await import(`${FILE}?browser`)
  } finally {
    globalThis.Buffer = Buffer
  }
}

const node: typeof Text = await import(FILE)
const browser = await inBrowser()

const TEXTS = ['', 'topic', 'näme-€-😀', '\ufeffmark', 'a\u0000b', 'x'.repeat(100), '\ud800 alone', '€'.repeat(50)]

test('a browser gets its own implementation', () => {
  assert.notEqual(browser.utf8Read.toString(), node.utf8Read.toString())
})

test('text has the same bytes with and without Buffer', () => {
  for (const text of TEXTS) {
    const [ours, theirs] = [node, browser].map(({ utf8Length, utf8Write }) => {
      const bytes = new Uint8Array(text.length * 3 + 4)
      assert.equal(utf8Write(bytes, text, 2), utf8Length(text))
      return bytes
    })
    assert.deepEqual(ours, theirs)
    const end = 2 + node.utf8Length(text)
    assert.equal(browser.utf8Read(theirs!, 2, end), text.toWellFormed())
    assert.equal(node.utf8Read(ours!, 2, end), text.toWellFormed())
  }
})

test('broken UTF-8 reads the same, with U+FFFD in its place', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), bytes => {
      assert.equal(browser.utf8Read(bytes, 0, bytes.length), node.utf8Read(bytes, 0, bytes.length))
    }),
  )
  assert.equal(node.utf8Read(Uint8Array.of(0x61, 0xff, 0x62), 0, 3), 'a\ufffdb')
})

test('uuids: 22 characters of url-safe base64', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const text = Buffer.from(bytes).toString('base64url')
      for (const { uuidRead, uuidWrite } of [node, browser]) {
        assert.equal(uuidRead(bytes, 0), text)
        const written = new Uint8Array(18)
        assert.ok(uuidWrite(written, text, 1))
        assert.deepEqual(written.subarray(1, 17), bytes)
      }
    }),
  )
})

test('what is no uuid is not written as one', () => {
  for (const text of [
    '',
    'A'.repeat(21),
    'A'.repeat(23),
    `${'A'.repeat(21)}=`,
    `${'A'.repeat(21)}é`,
    `${'A'.repeat(21)}+`,
  ])
    assert.equal(node.uuidWrite(new Uint8Array(16), text, 0), false)
})
