import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { ScramMechanism } from '../image/index.ts'
import { scramKeys } from './scram-keys.ts'

/** The exchange of RFC 7677: user `user`, password `pencil`. */
test('the keys that follow from a salted password are those of RFC 7677', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const salted = pbkdf2Sync('pencil', salt, 4096, 32, 'sha256')
  const { storedKey, serverKey } = scramKeys(ScramMechanism.SCRAM_SHA_256, salted)
  assert.equal(Buffer.from(storedKey).toString('base64'), 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=')
  assert.equal(Buffer.from(serverKey).toString('base64'), 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=')
})

test('each mechanism has keys as long as its hash', () => {
  const { storedKey, serverKey } = scramKeys(ScramMechanism.SCRAM_SHA_512, Buffer.from('salted'))
  assert.deepEqual([storedKey.length, serverKey.length], [64, 64])
})
