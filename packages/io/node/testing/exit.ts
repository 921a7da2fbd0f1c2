/** A task that takes its thread down. */
export function exit(code: number): void {
  process.exit(code)
}
