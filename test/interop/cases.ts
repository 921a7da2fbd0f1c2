/** Scenarios of many cases that ask by the protocol itself, and whose answers are held against those of Apache Kafka. */
import type { RunningBroker } from './brokers.ts'
import type { Context } from './context.ts'
import { Asker, Notes } from './prober.ts'
import { Transcript } from './transcript.ts'

/** One case: its connections, and notes of what came back. */
export class Probe {
  readonly notes = new Notes()
  readonly bootstrap: string
  readonly #askers = new Map<string, Asker>()

  constructor(bootstrap: string) {
    this.bootstrap = bootstrap
  }

  /** A connection of this name, which is the client id, too; a new one if the broker has closed it. */
  asker(name = 'client'): Asker {
    let asker = this.#askers.get(name)
    if (!asker || asker.isClosed) {
      asker = new Asker(name, this.bootstrap)
      this.#askers.set(name, asker)
    }
    return asker
  }

  end(): void {
    for (const asker of this.#askers.values()) asker.end()
  }
}

/** Each case is a check: what it notes has to be what was noted against Apache Kafka, which `--record` keeps. */
export async function runCases<P extends Probe>(
  scenario: string,
  { report, record }: Context,
  broker: RunningBroker,
  cases: Readonly<Record<string, (probe: P) => Promise<void>>>,
  makeProbe: (name: string) => P,
): Promise<void> {
  const transcript = new Transcript(scenario)
  for (const [name, run] of Object.entries(cases)) {
    await report.check(`${scenario}/${name}`, async () => {
      const probe = makeProbe(name)
      try {
        await run(probe)
      } finally {
        probe.end()
      }
      const output = probe.notes.lines.join('\n')
      if (record) transcript.add(name, output)
      else transcript.compare(name, output)
    })
  }
  if (record) transcript.save()
  await broker.stop()
}
