/** What a client metrics subscription says (KIP-714). */
import { int, list, YES } from '../definition.ts'
import { listOfAny } from '../validators.ts'

// biome-ignore format: a table, two lines a row
export const CLIENT_METRICS_ROWS = {
  'metrics': list('', 'medium', YES, { valid: listOfAny({ empty: true }) },
    'Prefixes of the names of metrics that clients push; * is all, empty is none.'),
  'interval.ms': int(300_000, 'medium', YES,
    'How often clients push: 100 ms to an hour.'),
  'match': list('', 'medium', YES, { valid: listOfAny({ empty: true }) },
    'Which clients: selector=regular expression, separated by commas, all of which must match; empty is every client.'),
} as const
