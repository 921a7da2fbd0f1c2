/** XXH3 against hash4j, which Apache Kafka 4.3.1 uses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadataHash } from './metadata-hash.ts'
import { imageWith } from './testing/image.ts'
import { xxh3 } from './xxh3.ts'

/** Length of the input, and hash4j's `xxh3_64().hashBytesToLong` of bytes 7, 138, 13, ... */
const GOLDEN: readonly (readonly [number, bigint])[] = [
  [0, 3244421341483603138n],
  [1, 5502495245947142431n],
  [2, 3010103725172346478n],
  [3, 7943829059066201772n],
  [4, 6650799683851767871n],
  [5, 5329424330036611939n],
  [8, -433104430451296011n],
  [9, 8944394699905593055n],
  [16, -8742622969447446440n],
  [17, -5364924204495744911n],
  [32, -2057812048208419218n],
  [33, -6566554354575335565n],
  [64, 1338082372350062813n],
  [65, -7510104758670172471n],
  [96, -9139658339728870555n],
  [97, -1061261424723314211n],
  [128, 1211889905577015873n],
  [129, 1605741916052902306n],
  [144, -5445485513641092422n],
  [200, -4540823641285081050n],
  [240, -5273803999686196762n],
  [241, -7679571566553258082n],
  [256, -5665997791763767380n],
  [1023, -6246496178641082140n],
  [1024, 8123710315364152507n],
  [1025, 7405123385822357415n],
  [1088, -847301810213770052n],
  [2048, -8410812437646067152n],
  [2049, 6349179943806269125n],
  [5000, -2017479414651090596n],
]

test('every length has the hash that it has in Java', () => {
  for (const [length, expected] of GOLDEN) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 131 + 7)
    assert.equal(xxh3(bytes), expected, `${length} bytes`)
  }
})

test('a group hashes ids, names, partitions and racks of its topics', () => {
  const image = imageWith({ other: 1, orders: [[2, 1], [3]] }, { 1: 'a', 2: 'zz', 3: 'a' })
  assert.equal(metadataHash(image, ['orders']), 8554400139168978694n)
  assert.equal(metadataHash(image, ['orders', 'gone', 'orders']), 8554400139168978694n)
  assert.notEqual(metadataHash(image, ['orders', 'other']), 8554400139168978694n)
  assert.equal(metadataHash(image, ['other', 'orders']), metadataHash(image, ['orders', 'other']))
  assert.equal(metadataHash(image, ['gone']), 0n)
  const large = imageWith({ orders: Array.from({ length: 1000 }, () => [2, 1]) }, { 1: 'a', 2: 'zz' })
  assert.equal(metadataHash(large, ['orders']), -6584808437979983746n)
})
