/** Producer ids and the transaction coordinator. */

import { boolean, int, short, YES } from '../definition.ts'
import { atLeast } from '../validators.ts'

// biome-ignore format: a table, two lines a row
export const TRANSACTION_CONFIGS = {
  'producer.id.expiration.ms': int(86_400_000, 'low', YES, { valid: atLeast(1), update: 'cluster-wide' },
    'A partition forgets the sequence of a producer that has not written for this long and has no open transaction.'),
  'producer.id.expiration.check.interval.ms': int(600_000, 'low', YES, { valid: atLeast(1), internal: true },
    'How often partitions look for producers to forget.'),
  'transaction.max.timeout.ms': int(900_000, 'high', YES, { valid: atLeast(1) },
    'The longest transaction timeout that a producer may ask for.'),
  'transactional.id.expiration.ms': int(604_800_000, 'high', YES, { valid: atLeast(1) },
    'The coordinator forgets a transactional id that has not been used for this long.'),
  'transaction.partition.verification.enable': boolean(true, 'low', YES, { update: 'cluster-wide' },
    'A transactional write is refused if the coordinator does not know of the transaction in that partition.'),
  'transaction.two.phase.commit.enable': boolean(false, 'low', YES,
    'Producers may take part in two-phase commits with an outside coordinator.'),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(10_000, 'low', YES, { valid: atLeast(1) },
    'How often transactions past their timeout are aborted.'),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(3_600_000, 'low', YES, { valid: atLeast(1) },
    'How often expired transactional ids are removed.'),
  'transaction.state.log.num.partitions': int(50, 'high', YES, { valid: atLeast(1) },
    'Partitions of __transaction_state when it is created; it must not change later.'),
  'transaction.state.log.replication.factor': short(3, 'high', YES, { valid: atLeast(1) },
    'Replicas of __transaction_state when it is created, which waits until there are that many brokers.'),
  'transaction.state.log.min.isr': int(2, 'high', YES, { valid: atLeast(1) },
    'min.insync.replicas of __transaction_state when it is created.'),
  'transaction.state.log.segment.bytes': int(104_857_600, 'high', YES, { valid: atLeast(1) },
    'segment.bytes of __transaction_state when it is created.'),
  'transaction.state.log.load.buffer.size': int(5_242_880, 'high', YES, { valid: atLeast(1) },
    'Bytes that are read at once when transactions are loaded. A larger batch is still read whole.'),
  'add.partitions.to.txn.retry.backoff.ms': int(20, 'high', YES, { valid: atLeast(1) },
    'The pause before the broker again tries to add a partition to a transaction.'),
  'add.partitions.to.txn.retry.backoff.max.ms': int(100, 'high', YES, { valid: atLeast(0) },
    'How long the broker goes on trying to add a partition to a transaction.'),
} as const
