/** The commands of the metadata shell: which there are, how their words are read, and what they print. */
import { ToolError } from '../java/errors.ts'
import { type Directory, type Node, sortedNames } from './nodes.ts'
import { absolutePath, findNodes, lastComponent } from './paths.ts'

/** What commands work on; only `cd` changes it. */
export interface ShellState {
  readonly root: Directory
  workingDirectory: string
  /** Of the screen; null: one name a line. */
  readonly width: number | null
  /** Lines that were typed; null where nobody types. */
  readonly history: readonly string[] | null
  print(line: string): void
}

/** Thrown by `exit`. */
export class ShellExit extends Error {}

interface Command {
  readonly about: string
  /** Its words, as the usage has them. */
  readonly words: string
  readonly least: number
  readonly most: number
  /** Of use only to somebody who types. */
  readonly isInteractive?: boolean
  run(words: readonly string[], state: ShellState): void
}

const MANY = Number.POSITIVE_INFINITY

export const COMMANDS: Readonly<Record<string, Command>> = {
  cat: { about: 'Show what files hold.', words: 'targets [targets ...]', least: 1, most: MANY, run: cat },
  cd: {
    about: 'Go to a directory, or to the root.',
    words: '[target]',
    least: 0,
    most: 1,
    isInteractive: true,
    run: cd,
  },
  exit: {
    ...{ about: 'Leave the shell.', words: '', least: 0, most: 0, isInteractive: true },
    run: () => {
      throw new ShellExit()
    },
  },
  find: { about: 'List all below a path.', words: '[paths [paths ...]]', least: 0, most: MANY, run: find },
  help: { about: 'List the commands.', words: '', least: 0, most: 0, isInteractive: true, run: help },
  history: {
    ...{ about: 'Show what was typed.', words: '[numEntriesToShow]', least: 0, most: 1, isInteractive: true },
    run: history,
  },
  ls: { about: 'List directories.', words: '[targets [targets ...]]', least: 0, most: MANY, run: ls },
  man: { about: 'Show how a command is used.', words: 'cmd', least: 1, most: 1, isInteractive: true, run: man },
  pwd: {
    ...{ about: 'Say where you are.', words: '', least: 0, most: 0, isInteractive: true },
    run: (_, state) => state.print(state.workingDirectory),
  },
  tree: {
    about: 'Show all below a path with its contents.',
    words: 'targets [targets ...]',
    least: 1,
    most: MANY,
    run: tree,
  },
}

/** Nothing is thrown for what is typed wrong: it is told. */
export function runCommand(words: readonly string[], state: ShellState): void {
  const parsed = parse(words.slice(0, words.findLastIndex(word => word !== '') + 1), state.history !== null)
  if (typeof parsed === 'string') state.print(parsed)
  else parsed?.(state)
}

/** What is wrong with the words, or what they ask for; null: nothing. */
function parse(
  [asked, ...rest]: readonly string[],
  isInteractive: boolean,
): string | ((state: ShellState) => void) | null {
  if (asked === undefined) return null
  if (asked.startsWith('-')) return `unrecognized arguments: '${asked}'`
  const names = Object.keys(COMMANDS).filter(name => isInteractive || !COMMANDS[name]!.isInteractive)
  const matching = names.includes(asked) ? [asked] : names.filter(name => name.startsWith(asked))
  const [name] = matching
  if (matching.length > 1) return `ambiguous command: ${asked} could match ${matching.join(', ')}`
  if (name === undefined) return `invalid choice: '${asked}' (choose from ${names.map(one => `'${one}'`).join(', ')})`
  const command = COMMANDS[name]!
  if (rest.includes('-h') || rest.includes('--help')) return state => usage(name, command, state)
  const wrong = rest.find((word, i) => (word.startsWith('-') && word !== '-') || i >= command.most)
  if (wrong !== undefined) return `unrecognized arguments: '${wrong}'`
  if (rest.length < command.least) return 'too few arguments'
  if (name !== asked) return `invalid choice: '${asked}': did you mean '${name}'?`
  return state => command.run(rest, state)
}

function found(glob: string, state: ShellState) {
  return findNodes(state.root, state.workingDirectory, glob)
}

function cat(targets: readonly string[], state: ShellState): void {
  for (const target of targets) {
    const all = found(target, state)
    if (all.length === 0) state.print(`cat: ${target}: No such file or directory.`)
    for (const { node } of all) state.print(node.kind === 'file' ? node.text() : `cat: ${target}: Is a directory`)
  }
}

function cd([target = '/']: readonly string[], state: ShellState): void {
  const all = found(target, state)
  if (all.length === 0) state.print(`cd: ${target}: no such directory.`)
  for (const one of all) {
    if (one.node.kind === 'directory') state.workingDirectory = absolutePath(one)
    else state.print(`cd: ${target}: not a directory.`)
  }
}

/** Empty ones do not count; none: where one is. */
function effective(paths: readonly string[]): readonly string[] {
  const given = paths.filter(path => path !== '')
  return given.length > 0 ? given : ['.']
}

function find(paths: readonly string[], state: ShellState): void {
  for (const path of effective(paths)) {
    const all = found(path, state)
    if (all.length === 0) state.print(`find: ${path}: no such file or directory.`)
    for (const { node } of all) listBelow(path, node, state)
  }
}

function listBelow(path: string, node: Node, state: ShellState): void {
  state.print(path)
  if (node.kind === 'file') return
  for (const name of sortedNames(node)) {
    const child = node.child(name)
    if (!child) throw new ToolError(`Expected ${name} to be a valid child of ${path}, but it was not.`)
    listBelow(path === '/' ? path + name : `${path}/${name}`, child, state)
  }
}

function tree(targets: readonly string[], state: ShellState): void {
  for (const target of targets) {
    const all = found(target, state)
    if (all.length === 0) state.print(`tree: ${target}: No such file or directory.`)
    for (const { node } of all) showBelow(node, '', state)
  }
}

function showBelow(node: Node, indent: string, state: ShellState): void {
  if (node.kind === 'file') {
    state.print(indent + node.text())
    return
  }
  for (const name of sortedNames(node)) {
    state.print(`${indent}${name}:`)
    const child = node.child(name)
    if (child) showBelow(child, `${indent}  `, state)
  }
}

function ls(targets: readonly string[], state: ShellState): void {
  const files: string[] = []
  const directories: { name: string; children: string[] }[] = []
  for (const target of effective(targets)) {
    const all = found(target, state)
    if (all.length === 0) state.print(`ls: ${target}: no such file or directory.`)
    for (const one of all) {
      if (one.node.kind === 'file') files.push(lastComponent(one))
      else directories.push({ name: lastComponent(one), children: sortedNames(one.node) })
    }
  }
  printColumns('', files, state)
  const hasIntro = files.length > 0 || directories.length > 1
  directories.forEach(({ name, children }, i) => {
    const gap = i === 0 && files.length === 0 ? '' : '\n'
    printColumns(hasIntro ? `${gap}${name}:` : '', children, state)
  })
}

function printColumns(intro: string, entries: readonly string[], state: ShellState): void {
  if (entries.length === 0) return
  if (intro !== '') state.print(intro)
  const widths = columnWidths(entries, state.width)
  const perColumn = Math.ceil(entries.length / widths.length)
  for (let line = 0; line < perColumn; line++) {
    const cells = widths.flatMap((width, column) => {
      const entry = entries[line + column * perColumn]
      return entry === undefined ? [] : column < widths.length - 1 ? entry.padEnd(width) : entry
    })
    state.print(cells.join(''))
  }
}

/** Of as many columns as fit on the screen, each as wide as its longest entry and two more. */
export function columnWidths(entries: readonly string[], screenWidth: number | null): number[] {
  for (let columns = Math.floor((screenWidth ?? 0) / 4); columns > 1; columns--) {
    const perColumn = Math.ceil(entries.length / columns)
    const widths = Array.from({ length: columns }, (_, column) =>
      entries
        .slice(column * perColumn, (column + 1) * perColumn)
        .reduce((width, entry) => Math.max(width, entry.length + 2), 0),
    )
    const total = widths.reduce((sum, width) => sum + width, 0)
    if (widths.at(-1) !== 0 && total <= screenWidth!) return widths
  }
  return [0]
}

function history([count]: readonly string[], state: ShellState): void {
  const lines = state.history!
  if (count !== undefined && !/^[+-]?\d+$/.test(count)) {
    const reason = `could not convert '${count}' to Integer (For input string: "${count}")`
    state.print(`argument numEntriesToShow: ${reason}`)
    return
  }
  const first = Math.max(0, lines.length - Math.max(0, Number(count ?? lines.length)))
  lines.slice(first).forEach((line, i) => {
    state.print(`${` ${first + i}`.padStart(5)}  ${line}`)
  })
}

function help(_: readonly string[], state: ShellState): void {
  state.print('Welcome to the Apache Kafka metadata shell.\n')
  state.print(`usage:  {${Object.keys(COMMANDS).join(',')}} ...\n\npositional arguments:`)
  for (const [name, { about }] of Object.entries(COMMANDS)) state.print(`    ${name.padEnd(21)}${about}`)
}

function man([name]: readonly string[], state: ShellState): void {
  const command = COMMANDS[name!]
  if (command) {
    state.print(`${name}: ${command.about}\n`)
    usage(name!, command, state)
  } else state.print(`man: unknown command ${name}. Type help to get a list of commands.`)
}

function usage(name: string, { words, about }: Command, state: ShellState): void {
  state.print(`usage: ${name} ${words}`.trimEnd())
  if (words !== '') state.print(`\n${about}`)
}
