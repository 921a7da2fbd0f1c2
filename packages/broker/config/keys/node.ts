/** Who the node is, what it does for the cluster, and how topics come to be. */

import { boolean, className, int, LONG_MAX, list, long, notYet, REQUIRED, string, YES } from '../definition.ts'
import { atLeast, listOf, listOfAny, NON_NULL } from '../validators.ts'
import { CONTROLLER_TUNING, NO_JAVA_CLASSES, NO_JVM, ONE_EVENT_LOOP, QUORUM, REPLICATION } from './honoured.ts'

// biome-ignore format: a table, two lines a row
export const NODE_CONFIGS = {
  'process.roles': list(REQUIRED, 'high', YES, { valid: listOf({ empty: false }, 'broker', 'controller') },
    "What this process is: 'broker', 'controller', or both."),
  'node.id': int(REQUIRED, 'high', YES, { valid: atLeast(0) },
    'The number of this node, unique in the cluster over brokers and controllers.'),
  'broker.id': int(-1, 'high', YES,
    'The older name of node.id. If both are set they must be equal.'),
  'broker.rack': string(null, 'medium', YES,
    'Where the broker stands, such as a rack, zone or host. Replicas of a partition are spread over racks.'),
  'unstable.api.versions.enable': boolean(false, 'high', YES, { internal: true },
    'Also offers versions of requests that Kafka has not released yet.'),
  'unstable.feature.versions.enable': boolean(false, 'high', YES, { internal: true },
    'Also allows feature levels that Kafka has not released yet: metadata.version 4.4-IV0.'),
  'config.providers': list('', 'low', notYet('there are no config providers'),
    { valid: listOfAny({ empty: true }), update: 'cluster-wide' },
    'Names of the providers that fill in parts of values from elsewhere. Start-up is refused if it is set.'),
  'security.providers': string(null, 'low', NO_JVM,
    'Java security providers to load.'),
  'authorizer.class.name': string('', 'low', notYet('there is no access control, so start-up is refused'),
    { valid: NON_NULL },
    "The authorizer. Kafka's StandardAuthorizer keeps its ACLs in the cluster metadata; empty allows everyone everything."),
  'early.start.listeners': list(null, 'high', notYet('there is no access control'),
    { valid: listOfAny({ empty: true, null: true }) },
    'Listeners that open before the authorizer has loaded its ACLs. By default those of the controller.'),

  // ------------------------------------------------------------------------------------ broker and controller
  'initial.broker.registration.timeout.ms': int(60_000, 'medium', QUORUM,
    'A starting broker that the controllers have not registered by then stops.'),
  'broker.heartbeat.interval.ms': int(2000, 'medium', YES,
    'How often a broker tells the controller that it is alive.'),
  'broker.session.timeout.ms': int(9000, 'medium', YES,
    'The controller fences a broker that it has not heard of for this long. At least twice the heartbeat interval is wise.'),
  'controlled.shutdown.enable': boolean(true, 'medium', REPLICATION,
    'A stopping broker hands its leaderships to other replicas first.'),
  'server.max.startup.time.ms': long(LONG_MAX, 'medium', QUORUM, { valid: atLeast(0), internal: true },
    'Gives up a start that takes longer than this. For tests.'),
  'controller.performance.sample.period.ms': long(60_000, 'medium', CONTROLLER_TUNING, { valid: atLeast(100), internal: true },
    'How often the controller logs how long its events took.'),
  'controller.performance.always.log.threshold.ms': long(2000, 'medium', CONTROLLER_TUNING, { valid: atLeast(0), internal: true },
    'A controller event that takes longer than this is logged.'),
  'request.timeout.ms': int(30_000, 'high', YES,
    'How long the state of a transaction may take to be committed, before the client is told to ask again.'),
  'controller.socket.timeout.ms': int(30_000, 'medium', REPLICATION,
    'How long a request from a broker to the controller may take.'),

  // --------------------------------------------------------------------------------------------------- topics
  'auto.create.topics.enable': boolean(true, 'high', YES,
    'A topic that a producer or consumer asks for, and that is not there, is created.'),
  'num.partitions': int(1, 'medium', YES, { valid: atLeast(1) },
    'Partitions of a topic that is created without a number of its own.'),
  'default.replication.factor': int(1, 'medium', YES,
    'Replicas of each partition of a topic that is created without a number of its own.'),
  'delete.topic.enable': boolean(true, 'high', YES,
    'Topics may be deleted. If false, DeleteTopics is answered with TOPIC_DELETION_DISABLED.'),
  'create.topic.policy.class.name': className(null, 'low', NO_JAVA_CLASSES,
    'A Java class that may refuse the creation of a topic. It runs in the controller.'),
  'alter.config.policy.class.name': className(null, 'low', NO_JAVA_CLASSES,
    'A Java class that may refuse a change of configuration. It runs in the controller.'),
  'max.request.partition.size.limit': int(2000, 'medium', YES, { valid: atLeast(1) },
    'The most partitions that one DescribeTopicPartitions response lists; the client asks again for the rest.'),

  // -------------------------------------------------------------------------------------------------- threads
  'num.io.threads': int(8, 'high', ONE_EVENT_LOOP, { valid: atLeast(1), update: 'cluster-wide' },
    'Threads that work on requests.'),
  'background.threads': int(10, 'high', ONE_EVENT_LOOP, { valid: atLeast(1), update: 'cluster-wide' },
    'Threads for periodic work.'),
} as const
