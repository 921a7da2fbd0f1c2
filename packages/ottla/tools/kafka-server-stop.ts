/**
 * `kafka-server-stop`: asks the brokers of this machine to stop in order. They are found as Apache Kafka's script finds its
 * own: in the list of processes, by their command line; and told apart by the configuration that it names.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseProperties } from '@ottla/broker/config/properties'
import { Ended } from './context.ts'
import { joptTool } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import type { Options } from './options.ts'

const OPTIONS = {
  'process-role': { about: 'Only with exactly these process.roles.', value: 'roles' },
  'node-id': { about: 'Only with this node.id; it counts more than --process-role.', value: 'id' },
} as const satisfies Options

export const kafkaServerStop = joptTool<typeof OPTIONS>({
  name: 'kafka-server-stop',
  about:
    'Asks the brokers on this machine to stop: all of them, or those with a node id or process roles. SIGNAL names another signal than TERM.',
  options: OPTIONS,
  isFineAlone: true,
  async run(options, context) {
    const [role, nodeId] = [options.text('process-role'), options.text('node-id')]
    if (role !== null && nodeId !== null)
      context.print('When both node-id and process-role are provided, the value for node-id will take precedence')
    const servers = serversIn(processList()).filter(({ pid }) => pid !== process.pid)
    if (servers.length === 0) {
      context.print('No kafka server to stop')
      throw new Ended(1)
    }
    const key = nodeId !== null ? 'node.id' : 'process.roles'
    const wanted = nodeId ?? role
    for (const server of servers)
      if (wanted === null || configOf(server, key, workingDirectory(server.pid)) === wanted)
        process.kill(server.pid, signalName())
  },
})

function signalName(): NodeJS.Signals {
  return `SIG${(process.env.SIGNAL ?? 'TERM').replace(/^SIG/, '')}` as NodeJS.Signals
}

function processList(): string {
  const { execFileSync } = process.getBuiltinModule('node:child_process')
  try {
    return execFileSync('ps', ['axww', '-o', 'pid=,args='], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  } catch (error) {
    throw new ToolError(`the list of processes can't be had from ps: ${(error as Error).message}`)
  }
}

export interface Server {
  readonly pid: number
  /** Of `ottla`, the command first. */
  readonly args: readonly string[]
}

/** Those of `pid command line` that run a broker: node, the script of ottla, and the command that starts one. */
export function serversIn(list: string): Server[] {
  return list.split('\n').flatMap(line => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? []
    const [program, ...words] = command?.split(/\s+/) ?? []
    if (!program || !/^node(?:\.exe)?$/.test(basename(program))) return []
    const script = words.findIndex(word => !word.startsWith('-'))
    if (!/^ottla(?:\.js)?$/.test(basename(words[script] ?? ''))) return []
    const args = words.slice(script + 1)
    return /^(?:start|kafka-server-start(?:\.sh)?)$/.test(args[0] ?? '') ? { pid: Number(pid), args } : []
  })
}

/** What a broker without a configuration of its own is. */
const DEFAULTS: Readonly<Record<string, string>> = { 'node.id': '1', 'process.roles': 'broker,controller' }

/** What the command line, or the file that it names, says; the last counts. */
export function configOf({ args }: Server, key: string, directory: string): string | null {
  const [command, ...rest] = args
  const isStart = command === 'start'
  let file: string | null = null
  let own: string | null = null
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!
    const [, name, attached] = /^--?([\w-]+)(?:=(.*))?$/.exec(word) ?? []
    if (name === undefined) file ??= isStart ? null : word
    else if (name !== 'daemon') {
      const value = attached ?? rest[++i] ?? ''
      if (isStart && (name === 'config' || name === 'c')) file = value
      if (name === (isStart ? 'set' : 'override') && value.startsWith(`${key}=`)) own = value.slice(key.length + 1)
    }
  }
  if (own !== null) return own
  return file === null ? (DEFAULTS[key] ?? null) : inFile(resolve(directory, file), key)
}

function inFile(path: string, key: string): string | null {
  try {
    return parseProperties(readFileSync(path, 'latin1')).findLast(property => property.key === key)?.value ?? null
  } catch {
    throw new ToolError(
      'Can not find the configuration file in the current directory. Please make sure the kafka stop process and the start process are called in the same directory.',
    )
  }
}

/** Where a process looks for relative paths; where that can't be known, as on a Mac, ours. */
function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return process.cwd()
  }
}
