/** How commands speak: tables for people, JSON for programs, errors with what to do, and the exit codes. */

export const ExitCode = {
  ok: 0,
  /** The command was understood and failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
} as const

/** Something the user can mend: printed without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = ExitCode.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

export type Cell = string | number | boolean | null | undefined
export type Row = Readonly<Record<string, Cell | readonly Cell[]>>

export interface OutputOptions {
  readonly json?: boolean
}

/** Rows as a table with a heading, or as JSON. Columns are those of the first row; their names are the headings. */
export function printRows(rows: readonly Row[], options: OutputOptions, whenEmpty = 'nothing found'): void {
  if (options.json) {
    console.log(JSON.stringify(rows, null, 2))
    return
  }
  if (rows.length === 0) {
    console.error(whenEmpty)
    return
  }
  const columns = Object.keys(rows[0]!)
  const table = rows.map(row => columns.map(column => text(row[column])))
  const widths = columns.map((column, i) => Math.max(column.length, ...table.map(cells => cells[i]!.length)))
  const numeric = columns.map(column => rows.every(row => typeof row[column] === 'number' || row[column] == null))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  console.log(line(columns.map(column => column.toUpperCase())))
  for (const cells of table) console.log(line(cells))
}

/** One thing, as `name  value` lines, or as JSON. */
export function printRecord(record: Row, options: OutputOptions): void {
  if (options.json) {
    console.log(JSON.stringify(record, null, 2))
    return
  }
  const width = Math.max(...Object.keys(record).map(key => key.length))
  for (const [key, value] of Object.entries(record)) console.log(`${key.padEnd(width)}  ${text(value)}`)
}

/** What was done: a sentence, or `{ "done": … }`. */
export function printDone(sentence: string, details: Row, options: OutputOptions): void {
  console.log(options.json ? JSON.stringify(details, null, 2) : sentence)
}

function text(value: Cell | readonly Cell[]): string {
  if (value === null || value === undefined) return '-'
  if (Array.isArray(value)) return value.map(item => text(item as Cell)).join(',')
  return String(value)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytesText(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** Prints the error for a person and gives the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommandError) {
    console.error(`ottla: ${error.message}`)
    return error.exitCode
  }
  const known = error as { code?: string; message?: string; stack?: string }
  // Errors with a code are written for users; anything else is a bug, and its stack is what is needed.
  console.error(`ottla: ${known.code ? known.message : (known.stack ?? String(error))}`)
  return ExitCode.failed
}
