import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LazyAddon } from './native.ts'

const MEGABYTE = 1 << 20

test('an addon is loaded once there is work for it, and then stays', () => {
  const addon = new LazyAddon<{ crc32c(bytes: Uint8Array): number }>('@node-rs/crc32')
  assert.equal(addon.forWork(1000), null)
  assert.equal(addon.forWork(1000), null)
  const loaded = addon.forWork(MEGABYTE)
  assert.equal(addon.forWork(1), loaded)
  // Where it can't be had, that is as good an answer.
  if (loaded !== null) assert.equal(loaded.crc32c(Uint8Array.of(0)), 0x527d5351)
})

test('an addon that is not there is null, each time', () => {
  const addon = new LazyAddon('an-addon-that-is-not-there')
  for (let i = 0; i < 3; i++) assert.equal(addon.forWork(MEGABYTE), null)
})
