/**
 * Writes docs/cli.md: the verbs of `ottla`, and Apache Kafka's tools with their options, from the declarations themselves:
 * `node scripts/cli-docs.ts`. A test (beside this file) fails when the page is not what they say.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { makeProgram } from '../packages/ottla/cli/program.ts'
import type { Tool } from '../packages/ottla/tools/declaration.ts'
import { TOOLS } from '../packages/ottla/tools/index.ts'
import type { OptionDeclaration, Options } from '../packages/ottla/tools/options.ts'

export const PAGE = join(dirname(import.meta.dirname), 'docs/cli.md')

const INTRODUCTION = `# The command line

<!-- Written by scripts/cli-docs.ts from packages/ottla/cli/program.ts and packages/ottla/tools/: change those. -->

\`ottla\` has verbs of its own, made for people: tables, \`--json\` for programs, and a question (or \`--yes\`) before what can't be
undone. And it has Apache Kafka's tools by their own names, for scripts and tutorials:

    ottla kafka-topics --bootstrap-server localhost:9092 --create --topic orders --partitions 12
    ottla tools --dir ~/kafka/bin && export PATH=~/kafka/bin:$PATH && kafka-topics.sh --bootstrap-server localhost:9092 --list

## Verbs

\`ottla COMMAND --help\` has the options and examples.

`

const TOOLS_INTRODUCTION = `
## Apache Kafka's tools

Names, with or without \`.sh\`, and options are those of Apache Kafka 4.3; what they print on stdout, and with which exit code
they end, too: a test compares ours with Java's, byte for byte. On purpose they differ in this:

- No stack traces and no log lines of a Java client; \`--help\` is in our words, and goes where Java's goes (stderr, exit code 1, for
  most).
- A broker that can't be reached is told at once, on stderr, while they wait for it as long as Java's do.
- \`kafka-dump-log\` shows with DefaultDecoder the bytes in hex, where Java's shows where in its memory they are. Why a record can't be
  decoded it says in words of its own. It has no \`--remote-log-metadata-decoder\` yet.
- \`kafka-metadata-shell\` shows configs that Kafka 4.3 does not know, too, where Java's leaves them out; its \`local/commitId\` is
  unknown; and a file without metadata is empty, where Java's waits for ever.
- \`kafka-console-consumer\` without \`--group\` reads by itself, where Java's makes up a group. It reads the partitions that there
  are when it starts. \`--formatter\`: DefaultMessageFormatter and NoOpMessageFormatter.
- \`--print-metrics\` of the tools that measure has no effect, and says so. \`kafka-consumer-perf-test --include\` takes the topics
  that are there when it starts.
- \`kafka-share-consumer-perf-test --timeout\` is the time without a record, as its help has it; Java's interrupts itself when so
  much time has gone by in all.
- \`kafka-verifiable-consumer\` knows the range and the round-robin assignor of the classic protocol;
  \`kafka-verifiable-share-consumer\` acknowledges at once in all modes, where Java's waits for its next poll in some.
- \`kafka-transactions describe-producers\` of a topic that is not there says so at once, where Java's asks for a minute.
- Where Java prints a set in an order by chance, ours is sorted.

\`--command-config FILE\` may have bootstrap.servers, client.id, request.timeout.ms, default.api.timeout.ms and
security.protocol=PLAINTEXT, the console tools the configs of their producer or consumer that matter here; every other key is told
as having no effect, another security.protocol as not supported yet.

`

export async function page(): Promise<string> {
  const tools = await Promise.all(Object.values(TOOLS).map(({ load }) => load()))
  const missing = tools.filter(({ isMissing }) => isMissing)
  return [
    INTRODUCTION,
    '| command | what it does |\n|---|---|\n',
    ...verbs(makeProgram(), []).map(([name, about]) => `| \`${name}\` | ${cell(about)} |\n`),
    TOOLS_INTRODUCTION,
    ...tools.filter(({ isMissing }) => !isMissing).map(section),
    '### Not here yet\n\n| script | why |\n|---|---|\n',
    ...missing.map(({ name, about }) => `| \`${name}\` | ${cell(about)} |\n`),
  ].join('')
}

function verbs(command: Command, path: readonly string[]): [name: string, about: string][] {
  return command.commands.flatMap(child => {
    const own = [...path, child.name()]
    const below = verbs(child, own)
    const words = child.registeredArguments.map(argument => {
      const name = argument.variadic ? `${argument.name()}...` : argument.name()
      return argument.required ? `<${name}>` : `[${name}]`
    })
    return below.length > 0 ? below : [[['ottla', ...own, ...words].join(' '), child.description()] as [string, string]]
  })
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<')
}

function section(tool: Tool): string {
  const parts = [`### ${tool.name}\n\n`]
  if (tool.style === 'jopt') parts.push(table(tool.options))
  else {
    if (Object.keys(tool.options).length > 0) parts.push(table(tool.options))
    for (const [name, { about, options }] of Object.entries(tool.commands ?? {})) {
      parts.push(`\`${name}\`: ${about}\n\n`)
      if (Object.keys(options).length > 0) parts.push(table(options))
    }
  }
  return parts.join('')
}

function table(options: Options): string {
  const rows = Object.entries<OptionDeclaration>(options).map(
    ([name, { about, value, aliases = [], default: byDefault }]) => {
      const names = [name, ...aliases].map(one => (one.length === 1 ? `-${one}` : `--${one}`)).join(', ')
      const more = byDefault ? ` Default: \`${byDefault}\`.` : ''
      return `| \`${names}${value ? ` <${value}>` : ''}\` | ${cell(about)}${more} |\n`
    },
  )
  return `| option | |\n|---|---|\n${rows.join('')}\n`
}

if (import.meta.main) writeFileSync(PAGE, await page())
