import { join } from 'node:path'
import { testTranscripts } from '../testing/transcript.ts'
import { startScenario } from './testing/scenario.ts'

testTranscripts(join(import.meta.dirname, 'testdata'), startScenario)
