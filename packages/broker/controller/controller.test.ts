import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { metadataRecord } from '../image/index.ts'
import { testTranscripts } from '../testing/transcript.ts'
import { startScenario, testController } from './testing/scenario.ts'

testTranscripts(join(import.meta.dirname, 'testdata'), startScenario)

test('a log with a level that is not released is read only where that is enabled', () => {
  const record = metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 31 })
  const message = /level 31, and levels 7 to 30 are supported/
  assert.throws(() => testController().replay(record, 1), { name: 'MetadataError', message })
  const enabled = testController(new Map([['unstable.feature.versions.enable', 'true']]))
  assert.doesNotThrow(() => enabled.replay(record, 1))
})
