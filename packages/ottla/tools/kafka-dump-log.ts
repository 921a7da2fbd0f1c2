/**
 * `kafka-dump-log`: shows what lies in a log dir, file by file: segments and snapshots, indexes, aborted transactions,
 * producers. It reads files and asks no broker, so that it works on what no broker would open.
 */
import { basename, dirname, join } from 'node:path'
import type { ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import {
  bytesDecoder,
  clusterMetadataDecoder,
  offsetsDecoder,
  type RecordDecoder,
  STRING_DECODER,
  shareGroupStateDecoder,
  transactionLogDecoder,
} from './dump-log/decoders.ts'
import { type BatchDumpOptions, dumpBatches, type Gaps } from './dump-log/dump-batches.ts'
import {
  dumpOffsetIndex,
  dumpProducerSnapshot,
  dumpTimeIndex,
  dumpTransactionIndex,
  type IndexDumpOptions,
  type IndexFiles,
  type TimeIndexErrors,
} from './dump-log/dump-indexes.ts'
import { Output } from './dump-log/output.ts'
import { SegmentFile } from './dump-log/segment-file.ts'
import { ToolError } from './java/errors.ts'
import { stringsInHashOrder } from './java/hash-order.ts'
import type { Options, ParsedOptions } from './options.ts'

const DECODERS = {
  'offsets-decoder': offsetsDecoder,
  'transaction-log-decoder': transactionLogDecoder,
  'cluster-metadata-decoder': clusterMetadataDecoder,
  'share-group-state-decoder': shareGroupStateDecoder,
} as const satisfies Record<string, RecordDecoder>

const DECODER_CLASSES =
  'A class of org.apache.kafka.tools.api: StringDecoder, IntegerDecoder, LongDecoder, or DefaultDecoder, whose bytes are shown in hex.'

const OPTIONS = {
  files: { about: 'Files to dump, separated by commas. Required.', value: 'file1, file2, ...' },
  'print-data-log': { about: 'Print keys and values; any decoder does that, too.' },
  'deep-iteration': { about: 'Print every record, not only batches; --print-data-log does that, too.' },
  'skip-record-metadata': { about: 'Print keys and values alone; nothing of control records.' },
  'verify-index-only': { about: 'Check indexes against their segment, and print only what is wrong.' },
  'index-sanity-check': { about: 'Check indexes as a broker does when it starts, and print only what is wrong.' },
  'max-message-size': { about: 'Size of the largest batch.', value: 'size', default: '5242880' },
  'max-bytes': { about: 'Read no more of each segment.', value: 'size', default: '2147483647' },
  'value-decoder-class': {
    about: `For values. ${DECODER_CLASSES}`,
    value: 'class',
    isValueOptional: true,
    default: STRING_DECODER,
  },
  'key-decoder-class': {
    about: `For keys. ${DECODER_CLASSES}`,
    value: 'class',
    isValueOptional: true,
    default: STRING_DECODER,
  },
  'offsets-decoder': { about: 'Records are those of __consumer_offsets.' },
  'transaction-log-decoder': { about: 'Records are those of __transaction_state.' },
  'cluster-metadata-decoder': { about: 'Records are those of __cluster_metadata.' },
  'share-group-state-decoder': { about: 'Records are those of __share_group_state.' },
  'remote-log-metadata-decoder': { about: 'Not here yet: there is no tiered storage.' },
} as const satisfies Options
type Name = keyof typeof OPTIONS

const MAX_INT = 2 ** 31 - 1
const BOOTSTRAP_CHECKPOINT = 'bootstrap.checkpoint'

export const kafkaDumpLog = joptTool<typeof OPTIONS>({
  name: 'kafka-dump-log',
  about:
    'This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.',
  options: OPTIONS,
  async run(options, context) {
    options.required('files')
    const dump = new Dump(options, context)
    // As in Java, commas at the end make no file.
    const files = options.text('files')!.replace(/,+$/, '').split(',')
    try {
      for (const file of files) await dump.file(file)
    } finally {
      await dump.output.flush()
    }
    dump.tellErrors()
  },
})

/** By the absolute path of the file. */
interface Found {
  readonly indexes: Map<string, ReadonlyMap<number, number>>
  readonly timeIndexes: Map<string, TimeIndexErrors>
  readonly gaps: Map<string, Gaps>
}

class Dump {
  readonly output: Output
  readonly #options: ParsedOptions<Name>
  readonly #found: Found = { indexes: new Map(), timeIndexes: new Map(), gaps: new Map() }

  constructor(options: ParsedOptions<Name>, context: ToolContext) {
    this.output = new Output(context)
    this.#options = options
  }

  async file(given: string): Promise<void> {
    const { output } = this
    const shown = given.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '')
    const path = shown.startsWith('/') ? shown : `${process.cwd()}/${shown}`
    const name = basename(shown)
    output.line(`Dumping ${shown}`)
    switch (/\.[^.]*$/.exec(name)?.[0]) {
      case '.log':
      case '.checkpoint':
        await this.#segment(shown, path, name)
        break
      case '.index': {
        const mismatches = await dumpOffsetIndex(indexFiles(shown, path), indexOptions(this.#options), output)
        if (mismatches.size > 0) this.#found.indexes.set(path, mismatches)
        break
      }
      case '.timeindex':
        this.#found.timeIndexes.set(
          path,
          await dumpTimeIndex(indexFiles(shown, path), indexOptions(this.#options), output),
        )
        break
      case '.snapshot':
        await dumpProducerSnapshot(path, output)
        break
      case '.txnindex':
        await dumpTransactionIndex(path, output)
        break
      default:
        output.complain(`Ignoring unknown file ${shown}`)
    }
  }

  async #segment(shown: string, path: string, name: string): Promise<void> {
    const options = batchOptions(this.#options)
    if (name.endsWith('.log')) this.output.line(`Log starting offset: ${baseOffsetOf(name)}`)
    else if (name === BOOTSTRAP_CHECKPOINT) this.output.line('KRaft bootstrap snapshot')
    else {
      const [, endOffset, epoch] = /^(\d{20})-(\d{10})/.exec(name) ?? []
      if (epoch === undefined) throw new ToolError(`For input string: "${name}"`, 'java.lang.NumberFormatException')
      this.output.line(`Snapshot end offset: ${Number(endOffset)}, epoch: ${Number(epoch)}`)
    }
    using file = new SegmentFile(path, shown)
    const gaps = await dumpBatches(file, name, options, this.output)
    if (gaps.size > 0) this.#found.gaps.set(path, gaps)
  }

  /** What was found wrong, after all else. */
  tellErrors(): void {
    const { indexes, timeIndexes, gaps } = this.#found
    const say = (line: string) => this.output.complain(line)
    for (const path of inOrder(indexes.keys())) {
      say(`Mismatches in :${path}`)
      const pairs = [...indexes.get(path)!].sort(([a], [b]) => b - a)
      for (const [index, log] of pairs) say(`  Index offset: ${index}, log offset: ${log}`)
    }
    const timed = (what: keyof TimeIndexErrors, head: string, line: (index: number, other: number) => string): void => {
      const paths = [...timeIndexes.keys()].filter(path => timeIndexes.get(path)![what].length > 0)
      for (const path of inOrder(paths)) {
        say(`${head} in :${path}`)
        for (const [index, other] of timeIndexes.get(path)![what]) say(line(index, other))
      }
    }
    timed('mismatches', 'Found timestamp mismatch', (a, b) => `  Index timestamp: ${a}, log timestamp: ${b}`)
    timed(
      'outOfOrder',
      'Found out of order timestamp',
      (a, b) => `  Index timestamp: ${a}, Previously indexed timestamp: ${b}`,
    )
    timed(
      'notFound',
      'The following indexed offsets are not found',
      (a, b) => `Indexed offset: ${a}, found log offset: ${b}`,
    )
    for (const path of inOrder(gaps.keys())) {
      say(`Non-consecutive offsets in ${path}`)
      const pairs = [...gaps.get(path)!].sort(([a], [b]) => a - b)
      for (const [before, after] of pairs) say(`  ${before} is followed by ${after}`)
    }
  }
}

/** What is wrong with options is told, as in Java, at the first file for which they count. */
function batchOptions(options: ParsedOptions<Name>): BatchDumpOptions {
  const decoders = [...Object.keys(DECODERS), 'value-decoder-class', 'key-decoder-class'] as Name[]
  const printsContents = options.has('print-data-log') || decoders.some(name => options.has(name))
  const decode = decoderOf(options)
  const maxBytes = options.int('max-bytes')!
  return {
    isDeep: options.has('deep-iteration') || printsContents,
    printsContents,
    skipsMetadata: options.has('skip-record-metadata'),
    decode,
    maxBytes: maxBytes === MAX_INT ? null : maxBytes,
  }
}

function indexOptions(options: ParsedOptions<Name>): IndexDumpOptions {
  return {
    isSanityOnly: options.has('index-sanity-check'),
    isVerifyOnly: options.has('verify-index-only'),
    maxMessageSize: options.int('max-message-size')!,
  }
}

/** Of a HashMap that `computeIfAbsent` has filled: it puts what is new before what is in the same bucket already. */
function inOrder(paths: Iterable<string>): string[] {
  return stringsInHashOrder([...paths].reverse())
}

function decoderOf(options: ParsedOptions<Name>): RecordDecoder {
  const names = ['offsets-decoder', 'transaction-log-decoder', 'cluster-metadata-decoder'] as const
  const chosen = names.find(name => options.has(name))
  if (chosen) return DECODERS[chosen]
  if (options.has('remote-log-metadata-decoder'))
    throw new ToolError('--remote-log-metadata-decoder is not supported yet: there is no tiered storage')
  if (options.has('share-group-state-decoder')) return shareGroupStateDecoder
  return bytesDecoder(options.text('key-decoder-class')!, options.text('value-decoder-class')!)
}

function indexFiles(shown: string, path: string): IndexFiles {
  const start = basename(path).split('.')[0]!
  const beside = (suffix: string) => join(dirname(path), start + suffix)
  return { shown, path, log: beside('.log'), offsetIndex: beside('.index'), baseOffset: baseOffsetOf(start) }
}

function baseOffsetOf(name: string): number {
  const text = name.split('.')[0]!
  if (!/^\d+$/.test(text)) throw new ToolError(`For input string: "${text}"`, 'java.lang.NumberFormatException')
  return Number(text)
}
