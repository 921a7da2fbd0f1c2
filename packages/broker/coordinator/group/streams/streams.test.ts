/** Scenarios of streams groups, in testdata/. */
import { join } from 'node:path'
import { testTranscripts } from '../../../testing/transcript.ts'
import { StreamsScenario } from './testing/scenario.ts'

testTranscripts(join(import.meta.dirname, 'testdata'), () => {
  const scenario = new StreamsScenario()
  return command => scenario.run(command)
})
