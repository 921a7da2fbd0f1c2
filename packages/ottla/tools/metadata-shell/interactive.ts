/** The metadata shell for somebody who types, or for a script on stdin: a prompt, a line, what it prints. */
import { linesOf } from '../line-reader.ts'
import { COMMANDS, runCommand, ShellExit, type ShellState } from './commands.ts'
import type { Directory } from './nodes.ts'
import { components } from './paths.ts'

const PROMPT = '>> '

export async function runInteractive(root: Directory, write: (text: string) => void): Promise<void> {
  const history: string[] = []
  const state: ShellState = {
    root,
    workingDirectory: '/',
    get width() {
      return process.stdout.isTTY ? process.stdout.columns : null
    },
    history,
    print: line => write(`${line}\n`),
  }
  state.print('[ Kafka Metadata Shell ]')
  for await (const line of process.stdin.isTTY ? typedLines(state) : scriptLines(write)) {
    remember(history, line)
    try {
      runCommand(wordsOf(line), state)
    } catch (error) {
      if (error instanceof ShellExit) return
      throw error
    }
  }
}

async function* scriptLines(write: (text: string) => void): AsyncGenerator<string> {
  write(PROMPT)
  for await (const line of linesOf(process.stdin)) {
    yield line
    write(PROMPT)
  }
}

async function* typedLines(state: ShellState): AsyncGenerator<string> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    completer: (line: string) => completions(line, state),
  })
  terminal.on('SIGINT', () => {
    state.print('^C')
    terminal.write(null, { ctrl: true, name: 'u' })
    terminal.prompt()
  })
  try {
    terminal.prompt()
    for await (const line of terminal) {
      yield line
      terminal.prompt()
    }
  } finally {
    terminal.close()
  }
}

/** As a shell that forgets repetitions, and what begins with a blank. */
function remember(history: string[], line: string): void {
  const trimmed = line.trim()
  if (trimmed !== '' && !line.startsWith(' ') && history.at(-1) !== trimmed) history.push(trimmed)
}

/** Words between blanks; quotes keep blanks, a backslash the character behind it. */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    if (char === '\\' && i + 1 < line.length) word += line[++i]
    else if (quote !== '') {
      if (char === quote) quote = ''
      else word += char
    } else if (char === '"' || char === "'") quote = char
    else if (/\s/.test(char)) {
      if (word !== '') words.push(word)
      word = ''
    } else word += char
  }
  return word === '' ? words : [...words, word]
}

/** Commands for the first word, paths for the others. */
export function completions(line: string, { root, workingDirectory }: ShellState): [string[], string] {
  const last = /\S*$/.exec(line)![0]
  if (!/\S\s/.test(line)) return [Object.keys(COMMANDS).filter(name => name.startsWith(last)), last]
  const slash = last.lastIndexOf('/') + 1
  let node: Directory = root
  for (const component of components(last.slice(0, slash), workingDirectory)) {
    const child = node.child(component)
    if (child?.kind !== 'directory') return [[], last]
    node = child
  }
  const names = [...node.names()].filter(name => name.startsWith(last.slice(slash))).sort()
  const shown = names.map(name => (node.child(name)?.kind === 'directory' ? `${name}/` : name))
  return [shown.map(name => last.slice(0, slash) + name), last]
}
