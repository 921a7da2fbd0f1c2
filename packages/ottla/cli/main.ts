/** Entry of the command: builds the program, runs it, and turns every outcome into an exit code. */
import { ExitCode, report } from './output.ts'

/** A reader that has seen enough (`ottla … | head`) is no failure. */
function endQuietlyOnBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.ok)
    throw error
  })
}

export async function main(args: readonly string[]): Promise<void> {
  endQuietlyOnBrokenPipe()
  // Apache Kafka's tools by their own names have their own parser.
  if (/^(kafka|connect|trogdor)\b/.test(args[0] ?? '')) {
    const { runTool } = await import('../tools/main.ts')
    process.exitCode = await runTool(args[0]!, args.slice(1))
    return
  }
  const { CommanderError } = await import('commander')
  const { makeProgram } = await import('./program.ts')
  try {
    await makeProgram().parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
    else process.exitCode = report(error)
  }
}
