/**
 * `kafka-metadata-shell`: walks through what a snapshot or a segment of the metadata log says of the cluster, as through
 * directories and files; with a command, or for somebody who types them.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { nodeWorld } from '@ottla/io'
import type { ToolContext } from './context.ts'
import { Ended } from './context.ts'
import { argparseTool } from './declaration.ts'
import { isExpected, ToolError, textOf } from './java/errors.ts'
import { runCommand } from './metadata-shell/commands.ts'
import { rootNode } from './metadata-shell/image-nodes.ts'
import { runInteractive } from './metadata-shell/interactive.ts'
import { loadImage } from './metadata-shell/load-image.ts'
import type { ParsedOptions } from './options.ts'

export const kafkaMetadataShell = argparseTool({
  name: 'kafka-metadata-shell',
  about:
    'What the metadata log says of the cluster. Commands: cat, find, ls, tree; without one, a shell that has more.',
  options: {
    snapshot: {
      about: 'A .checkpoint, or a .log, of __cluster_metadata.',
      value: 'file',
      aliases: ['s'],
      isRequired: true,
    },
  },
  words: 'command',
  run,
})

async function run(options: ParsedOptions, context: ToolContext): Promise<void> {
  try {
    await using _ = await lockedLogDir(options.text('snapshot')!)
    await shell(options, context)
  } catch (error) {
    if (!isExpected(error)) throw error
    const isPlain = error instanceof ToolError && error.exception === 'java.lang.RuntimeException'
    context.complain(`Unexpected error: ${isPlain ? error.message : textOf(error)}`)
    throw new Ended(1)
  }
}

async function shell(options: ParsedOptions, context: ToolContext): Promise<void> {
  const load = () => rootNode(loadImage(options.text('snapshot')!, line => context.complain(line)))
  if (options.words.length === 0) {
    context.print('Loading...')
    const root = load()
    context.print('Starting...')
    await runInteractive(root, text => context.write(text))
    return
  }
  const print = (line: string) => context.print(line)
  runCommand(options.words, { root: load(), workingDirectory: '/', width: null, history: null, print })
}

/** Nobody changes the files meanwhile: whoever owns the log dir has locked it. A copy somewhere else has no lock. */
async function lockedLogDir(snapshot: string): Promise<AsyncDisposable | null> {
  const logDir = dirname(dirname(resolve(snapshot)))
  const path = join(logDir, '.lock')
  if (!existsSync(path)) return null
  const lock = await nodeWorld({ logger: { level: 'error' } }).disk.lock(path)
  if (lock) return lock
  const owner = 'Please ensure that no broker or controller process is using this directory before proceeding.'
  throw new ToolError(`Unable to lock ${logDir}. ${owner}`, 'java.lang.RuntimeException')
}
