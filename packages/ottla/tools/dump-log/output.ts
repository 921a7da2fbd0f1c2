/** What a dump prints: kept until there is enough for one write, so that a large segment costs little memory and few calls. */
import type { ToolContext } from '../context.ts'

const ENOUGH = 64 * 1024

export class Output {
  readonly #context: ToolContext
  #text = ''

  constructor(context: ToolContext) {
    this.#context = context
  }

  print(text: string): void {
    this.#text += text
  }

  line(text: string): void {
    this.#text += `${text}\n`
  }

  complain(line: string): void {
    this.#context.complain(line)
  }

  get isFull(): boolean {
    return this.#text.length >= ENOUGH
  }

  /** Resolves when there is room for more. */
  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '') await this.#context.writeBytes(Buffer.from(text))
  }
}

/** `OptionalLong.toString()` */
export function optionalLong(value: number | null): string {
  return value === null ? 'OptionalLong.empty' : `OptionalLong[${value}]`
}
