/** Numbers and their names: what every room may count with. It knows no other room. */
export {
  type CollectedFamily,
  counter,
  type Family,
  gauge,
  type Labels,
  NO_LABELS,
  quota,
  type Sample,
  sample,
  summary,
} from './family.ts'
export { type ApiMetrics, RequestMetrics, RequestTiming } from './request-metrics.ts'
export { Summary, type Windows } from './summary.ts'
export { TEXT_CONTENT_TYPE, text } from './text.ts'
export { type TopicCounterName, TopicCounters, type TopicMeter, TopicMetrics } from './topic-metrics.ts'
export { WindowedValues } from './windowed-values.ts'
