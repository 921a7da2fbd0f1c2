/** Listeners, connections, and how much of a request is taken in. */

import { INT_MAX, int, list, long, noEffect, notYet, string, YES } from '../definition.ts'
import { atLeast, listOfAny, oneOf } from '../validators.ts'
import { ONE_EVENT_LOOP, REPLICATION, SASL } from './honoured.ts'

const SOCKET_BUFFERS = notYet('the buffers of sockets are left to the operating system')

// biome-ignore format: a table, two lines a row
export const NETWORK_CONFIGS = {
  'listeners': list('PLAINTEXT://:9092', 'high', YES, { valid: listOfAny({ empty: false }), update: 'per-broker' },
    'Where the node listens: NAME://host:port, separated by commas. No host is all interfaces; port 0 picks a free one.'),
  'advertised.listeners': list(null, 'high', YES, { valid: listOfAny({ empty: false, null: true }) },
    'The addresses that clients are told, where they differ from listeners: behind a proxy, in a container.'),
  'listener.security.protocol.map': string('SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'low', YES, { update: 'per-broker' },
    'Listener name to security protocol, NAME:PROTOCOL separated by commas. Unmapped controller listeners are PLAINTEXT.'),
  'inter.broker.listener.name': string(null, 'medium', YES,
    'The listener on which brokers talk to each other. Otherwise the one named as security.inter.broker.protocol.'),
  'security.inter.broker.protocol': string('PLAINTEXT', 'medium', YES,
    { valid: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL') },
    'The security protocol between brokers. Set this or inter.broker.listener.name, not both.'),

  'socket.request.max.bytes': int(104_857_600, 'high', YES, { valid: atLeast(1) },
    'A connection that sends a larger request is closed.'),
  'socket.listen.backlog.size': int(50, 'medium', YES, { valid: atLeast(1) },
    'Connections that may wait to be accepted; the operating system may allow fewer.'),
  'socket.send.buffer.bytes': int(102_400, 'high', SOCKET_BUFFERS,
    'SO_SNDBUF of client connections; -1 leaves it to the operating system.'),
  'socket.receive.buffer.bytes': int(102_400, 'high', SOCKET_BUFFERS,
    'SO_RCVBUF of client connections; -1 leaves it to the operating system.'),
  'socket.connection.setup.timeout.ms': long(10_000, 'medium', REPLICATION,
    'How long connecting to another node may take at the first try; it grows with each failure.'),
  'socket.connection.setup.timeout.max.ms': long(30_000, 'medium', REPLICATION,
    'What socket.connection.setup.timeout.ms grows to.'),
  'queued.max.requests': int(500, 'high', noEffect('requests that wait are bounded by their bytes, not by their number'),
    { valid: atLeast(1) },
    'Requests that may wait for their turn; past that, sockets are not read.'),
  'queued.max.request.bytes': long(-1, 'medium', YES,
    'Bytes of requests that may wait for their turn; past that, sockets are not read. -1: 256 MiB.'),

  'connections.max.idle.ms': long(600_000, 'medium', YES,
    'A connection that has been silent for this long is closed; negative: never.'),
  'max.connections': int(INT_MAX, 'medium', YES, { valid: atLeast(0), update: 'cluster-wide' },
    'Connections at one time; with the prefix of a listener, on that listener.'),
  'max.connections.per.ip': int(INT_MAX, 'medium', YES, { valid: atLeast(0), update: 'cluster-wide' },
    'Connections at one time from one address. 0 refuses every address that has no override.'),
  'max.connections.per.ip.overrides': string('', 'medium', YES, { update: 'cluster-wide' },
    'max.connections.per.ip for single hosts or addresses: host:count, separated by commas.'),
  'max.connection.creation.rate': int(INT_MAX, 'medium', YES, { valid: atLeast(0), update: 'cluster-wide' },
    'New connections a second; with the prefix of a listener, on that listener.'),
  'connection.failed.authentication.delay.ms': int(100, 'low', SASL, { valid: atLeast(0) },
    'A connection that failed to authenticate is closed this much later. Must be less than connections.max.idle.ms.'),
  'num.network.threads': int(3, 'high', ONE_EVENT_LOOP, { valid: atLeast(1), update: 'cluster-wide' },
    'Threads that read and write sockets, for each listener.'),

  'fetch.max.bytes': int(57_671_680, 'medium', YES, { valid: atLeast(1024) },
    'The most bytes of records in one Fetch response, whatever the client asked for.'),
  'max.incremental.fetch.session.cache.slots': int(1000, 'medium', YES, { valid: atLeast(0) },
    'Fetch sessions that are remembered at one time. A consumer without one sends all its partitions each time.'),
} as const
