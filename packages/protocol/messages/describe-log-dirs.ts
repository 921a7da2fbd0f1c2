/**
 * Log directories of a broker, with the sizes of what is in them.
 *
 *  2  flexible               3  an error for the whole                         4  total and usable bytes
 *  5  whether cordoned
 */
import { array, bool, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const DescribeLogDirsRequest = message(
  'DescribeLogDirsRequest',
  { key: 35, versions: '1-5', flexible: '2+', listeners: ['broker'] },
  {
    topics: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: '0+' },
    ),
  },
)

export type DescribeLogDirsRequest = Of<typeof DescribeLogDirsRequest>

export const DescribeLogDirsResponse = message(
  'DescribeLogDirsResponse',
  { key: 35, versions: '1-5', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16('3+', 0, { ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64('4+', -1, { ignorable: true }),
      usableBytes: int64('4+', -1, { ignorable: true }),
      isCordoned: bool('5+', false, { ignorable: true }),
    }),
  },
)

export type DescribeLogDirsResponse = Of<typeof DescribeLogDirsResponse>
