/** Completion scripts for shells, made from the commands themselves, so that they are never behind them. */
import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

interface Entry {
  /** Words after `ottla`, joined by spaces; '' for none. */
  readonly path: string
  readonly words: readonly { readonly text: string; readonly description: string }[]
}

export function completionScript(program: Command, shell: Shell): string {
  const entries = entriesOf(program, [])
  if (shell === 'bash') return bash(entries)
  return shell === 'zsh' ? zsh(entries) : fish(entries)
}

function entriesOf(command: Command, path: readonly string[]): Entry[] {
  const words = [
    ...command.commands.map(child => ({ text: child.name(), description: child.description() })),
    ...command.options.map(option => ({ text: option.long ?? option.short!, description: option.description })),
  ]
  return [
    { path: path.join(' '), words },
    ...command.commands.flatMap(child => entriesOf(child, [...path, child.name()])),
  ]
}

/** Finds which command is being completed: the words that are no options. */
function bash(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words }) => `    '${path}') words='${words.map(({ text }) => text).join(' ')}' ;;`)
  return `_ottla() {
  local path='' word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${entries
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      '${path.includes(' ') ? path : ` ${path}`}') path='${path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ottla ottla`
}

function zsh(entries: readonly Entry[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(':', '\\:')
  const cases = entries.map(({ path, words }) => {
    const list = words.map(({ text, description }) => `'${text}:${quoted(description)}'`).join(' ')
    return `    '${path}') items=(${list}) ;;`
  })
  return `#compdef ottla
_ottla() {
  local path='' word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path $word" in
${entries
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      '${path.includes(' ') ? path : ` ${path}`}') path='${path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  _describe 'ottla' items || _files
}
compdef _ottla ottla`
}

function fish(entries: readonly Entry[]): string {
  const quoted = (text: string) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return entries
    .flatMap(({ path, words }) => {
      const [first, second] = path.split(' ')
      const seen =
        path === ''
          ? '__fish_use_subcommand'
          : [`__fish_seen_subcommand_from ${first}`, second && `__fish_seen_subcommand_from ${second}`]
              .filter(Boolean)
              .join('; and ')
      return words.map(({ text, description }) => {
        const what = text.startsWith('--') ? `-l ${text.slice(2)}` : `-f -a ${text}`
        return `complete -c ottla -n '${seen}' ${what} -d '${quoted(description)}'`
      })
    })
    .join('\n')
}
