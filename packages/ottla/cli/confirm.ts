/** Asks before something that can't be undone. */
import { CommandError, ExitCode } from './output.ts'

export interface ConfirmOptions {
  readonly yes?: boolean
}

/** Throws unless the answer is yes, or `--yes` was given; a script that nobody sits in front of has to give it. */
export async function confirm(question: string, { yes }: ConfirmOptions): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) throw new CommandError(`${question} --yes says so`, ExitCode.usage)
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('nothing was done')
  } finally {
    terminal.close()
  }
}
