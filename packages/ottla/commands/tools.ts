/** `ottla tools`: Apache Kafka's scripts by their names, and putting them where a shell finds them. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CommandError, type OutputOptions, printRows } from '../cli/output.ts'
import { TOOLS } from '../tools/index.ts'

/** By which a script is known as ours, and may be written over. */
const MARK = '# Written by ottla tools.'

export async function tools(options: OutputOptions & { dir?: string; force?: boolean }): Promise<void> {
  if (options.dir === undefined) {
    const rows = []
    for (const [name, { load }] of Object.entries(TOOLS)) {
      const tool = await load()
      rows.push({ tool: name, works: tool.isMissing !== true, about: tool.about })
    }
    printRows(rows, options)
    return
  }
  const folder = resolve(options.dir)
  mkdirSync(folder, { recursive: true })
  const names = Object.keys(TOOLS).map(name => `${name}.sh`)
  const foreign = names.filter(name => {
    const path = join(folder, name)
    return existsSync(path) && !readFileSync(path, 'utf8').includes(MARK)
  })
  if (foreign.length > 0 && !options.force)
    throw new CommandError(`${foreign[0]} in ${folder} is somebody else's; --force writes over it`)
  for (const name of names) {
    const path = join(folder, name)
    writeFileSync(path, script(name.replace(/\.sh$/, '')))
    chmodSync(path, 0o755)
  }
  if (options.json)
    printRows(
      names.map(name => ({ script: join(folder, name) })),
      options,
    )
  else console.log(`wrote ${names.length} scripts; export PATH=${shellWord(folder)}:$PATH`)
}

/** Calls this very Node and this very command, wherever the shell stands. */
function script(name: string): string {
  const command = [process.execPath, resolve(process.argv[1]!), name].map(shellWord).join(' ')
  return `#!/bin/sh\n${MARK}\nexec ${command} "$@"\n`
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
