/** The package brings no types along. */
declare module 'parse-prometheus-text-format' {
  interface ParsedMetric {
    readonly labels?: Readonly<Record<string, string>>
    readonly value?: string
    /** Of summaries and histograms. */
    readonly count?: string
    readonly sum?: string
    readonly buckets?: Readonly<Record<string, string>>
    readonly quantiles?: Readonly<Record<string, string>>
  }
  interface ParsedFamily {
    readonly name: string
    readonly help: string
    readonly type: 'COUNTER' | 'GAUGE' | 'SUMMARY' | 'HISTOGRAM' | 'UNTYPED'
    readonly metrics: readonly ParsedMetric[]
  }
  function parsePrometheusTextFormat(text: string): ParsedFamily[]
  // biome-ignore lint/style/noDefaultExport: as the package has it
  export default parsePrometheusTextFormat
}
