/** How a tool is used, made from its declaration: for people who ask, and under an error. */
import { flag, shownAs } from './argparse.ts'
import type { ArgparseTool, JoptTool, Tool } from './declaration.ts'
import type { OptionDeclaration, Options } from './options.ts'

const WIDTH = 100
const OPTION_WIDTH = 40

export const HELP_OPTIONS = {
  help: { about: 'How this tool is used.' },
  version: { about: 'The version of Apache Kafka whose tool this is.' },
} as const satisfies Options

export function joptHelp(tool: JoptTool): string {
  const options = Object.entries<OptionDeclaration>({ ...tool.options, ...HELP_OPTIONS })
  const lines = options
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, option]) => {
      const names = [name, ...(option.aliases ?? [])].map(flag).join(', ')
      return row(option.value ? `${names} ${argument(option)}` : names, aboutOf(option))
    })
  return [row('Option', 'Description'), row('------', '-----------'), ...lines].join('\n')
}

function argument({ value, isValueOptional }: OptionDeclaration): string {
  return isValueOptional ? `[<${value}>]` : `<${value}>`
}

function aboutOf(option: OptionDeclaration): string {
  return option.default ? `${option.about} (default: ${option.default})` : option.about
}

/** Two columns; the second is broken into lines at blanks. */
function row(left: string, right: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of right.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > WIDTH - OPTION_WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  const indent = ' '.repeat(OPTION_WIDTH)
  const head = left.length < OPTION_WIDTH ? left.padEnd(OPTION_WIDTH) + lines.shift() : left
  return [head, ...lines.map(text => indent + text)].join('\n')
}

export function argparseUsage(tool: ArgparseTool): string {
  const options = Object.entries(tool.options).map(([name, option]) => {
    const text = option.value ? `${flag(name)} ${valueName(name)}` : flag(name)
    return option.isRequired ? text : `[${text}]`
  })
  const commands = tool.commands ? [`{${Object.keys(tool.commands).join(',')}} ...`] : []
  const words = tool.words === undefined ? [] : [`[${tool.words} ...]`]
  return `usage: ${[tool.shownName ?? tool.name, '[-h]', ...options, ...commands, ...words].join(' ')}`
}

function valueName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}

export function argparseHelp(tool: ArgparseTool, command: string | null): string {
  if (command !== null) {
    const { about, options } = tool.commands![command]!
    return [`usage: ${tool.name} ${command} [options]`, '', about, '', ...optionRows(options)].join('\n')
  }
  const commands = Object.entries(tool.commands ?? {}).map(([name, { about }]) => row(`  ${name}`, about))
  const list = commands.length > 0 ? ['', 'commands:', ...commands] : []
  return [argparseUsage(tool), '', tool.about, '', ...optionRows(tool.options), ...list].join('\n')
}

function optionRows(options: Options): string[] {
  const rows = Object.entries<OptionDeclaration>(options).map(([name, option]) => {
    const names = shownAs(name, option).replaceAll('/', ', ')
    return row(`  ${option.value ? `${names} ${valueName(name)}` : names}`, aboutOf(option))
  })
  return ['options:', row('  -h, --help', 'How this is used.'), ...rows]
}

export function helpOf(tool: Tool): string {
  if (tool.style === 'jopt') return joptHelp(tool)
  const commands = Object.keys(tool.commands ?? {})
  return [argparseHelp(tool, null), ...commands.map(command => argparseHelp(tool, command))].join('\n\n')
}
