/** Entry of the command: builds the program, runs it, and turns every outcome into an exit code. */
import { CommanderError } from 'commander'
import { ExitCode, report } from './output.ts'
import { makeProgram } from './program.ts'

/** A reader that has seen enough (`ottla … | head`) is no failure. */
function endQuietlyOnBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.ok)
    throw error
  })
}

export async function main(args: readonly string[]): Promise<void> {
  endQuietlyOnBrokenPipe()
  try {
    await makeProgram().parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
    else process.exitCode = report(error)
  }
}
