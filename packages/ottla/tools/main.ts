/** `ottla kafka-topics …`: finds the tool by the name of Apache Kafka's script, with or without `.sh`, and runs it. */
import { TOOLS } from './index.ts'
import { runTool as run } from './run.ts'

/** The exit code. */
export async function runTool(script: string, args: readonly string[]): Promise<number> {
  const name = script.replace(/\.sh$/, '')
  const entry = TOOLS[name]
  if (!entry) {
    console.error(`ottla: there is no tool ${script}; ottla tools lists them`)
    return 2
  }
  const tool = await entry.load()
  if (tool.isMissing) {
    console.error(`${name}: ${tool.about}`)
    return 1
  }
  return run(tool, args)
}
