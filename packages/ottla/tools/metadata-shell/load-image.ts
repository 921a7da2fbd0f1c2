/** The image that a snapshot or a segment of the metadata log makes, whatever is wrong with some of its records. */
import { EMPTY_IMAGE, type MetadataImage, MetadataLoader, type Provenance } from '@ottla/broker/image'
import { decodeMetadataRecord, decodeRecords, type MetadataRecord, ProtocolError } from '@ottla/protocol'
import { type FileBatch, SegmentFile } from '../dump-log/segment-file.ts'

interface PlacedRecord {
  readonly offset: number
  readonly record: MetadataRecord
}

/** `complain` is told of each record that can't be read, or makes no sense where it is; it is left out. */
export function loadImage(path: string, complain: (line: string) => void): MetadataImage {
  using file = new SegmentFile(path)
  const loader = new MetadataLoader(EMPTY_IMAGE)
  for (const batch of file.batches()) {
    if (batch.header.isControl) continue
    const { lastOffset: offset, partitionLeaderEpoch: epoch, maxTimestamp: timestampMs } = batch.header
    const provenance = { offset, epoch, timestampMs, isBatchAligned: true }
    replay(loader, recordsOf(batch, complain), provenance, complain)
  }
  return loader.stableImage
}

function recordsOf({ header, bytes }: FileBatch, complain: (line: string) => void): PlacedRecord[] {
  return decodeRecords(bytes, header).flatMap(({ offset, value }) => {
    try {
      return { offset, record: decodeMetadataRecord(value ?? new Uint8Array(0)) }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      complain(`unable to read metadata record at offset ${offset}: ${error.message}`)
      return []
    }
  })
}

/** All of a batch at once; if one of its records makes no sense, again, one by one without that one. */
function replay(
  loader: MetadataLoader,
  records: readonly PlacedRecord[],
  provenance: Provenance,
  complain: (line: string) => void,
): void {
  const wasInTransaction = loader.transactionOffset !== null
  const before = loader.image
  try {
    for (const { record, offset } of records) loader.replay(record, offset)
    loader.settle(provenance)
  } catch (error) {
    const [only, ...more] = records
    complain(`Error loading metadata log record from offset ${only!.offset}: ${(error as Error).message}`)
    if (wasInTransaction) throw error
    loader.reset(before)
    if (more.length === 0) return
    for (const one of records) replay(loader, [one], provenance, complain)
  }
}
