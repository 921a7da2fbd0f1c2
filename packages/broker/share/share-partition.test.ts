/** Scenarios of one share partition, in testdata/. */
import { join } from 'node:path'
import { testTranscripts } from '../testing/transcript.ts'
import { Scenario } from './testing/scenario.ts'

testTranscripts(join(import.meta.dirname, 'testdata'), () => {
  const scenario = new Scenario()
  return command => scenario.run(command)
})
