/** segmentio/kafka-go: the tests of its package. They know one broker, at localhost:9092, and one with SASL, which nobody runs. */
import { prepareGo } from './go.ts'
import type { Suite } from './suite.ts'

const MODULE = 'github.com/segmentio/kafka-go@v0.4.51'

const SKIP = [
  // They look for the group's coordinator by a function that the test has not set, and end the process.
  'TestReaderConsumerGroup/(verify_offset_committed|consumer_group_commits_on_close)',
  // They ask for SASL at localhost:9093.
  'TestUnsupportedSASLMechanism',
  // It connects to another machine.
  'TestDialerTLS',
]

const TOPIC_IN_TIME =
  'passes only if its topic, which is made because it was asked for, is not there when it asks again'
const KNOWN_AT_ONCE = 'asks for what it has just changed, which Apache Kafka may not know yet'

export const kafkaGo: Suite = {
  name: 'kafka-go',
  source: MODULE,
  port: 9092,
  settings: port => ({ 'advertised.listeners': `PLAINTEXT://localhost:${port}`, 'message.max.bytes': 200_000_000 }),
  reasons: {
    TestConsumerGroupWithTopic: TOPIC_IN_TIME,
    TestConsumerGroupWithGroupTopicsSingle: TOPIC_IN_TIME,
    TestConsumerGroupWithGroupTopicsMultiple: TOPIC_IN_TIME,
    TestRebalanceTooManyConsumers: 'gives two hundred members ten seconds, which a busy machine needs',
    'TestReaderConsumerGroup/consumer_group_rebalance': 'gives a rebalance as much time as it takes',
    TestClientAlterConfigs: KNOWN_AT_ONCE,
    'TestClient/retrieve_committed_offsets_for_a_consumer_group_and_topic': KNOWN_AT_ONCE,
    TestDescribeUserScramCredentials: KNOWN_AT_ONCE,
    'TestConn/nettest/PingPong': 'has a deadline that a busy machine misses',
    'TestConn/test_delete_topics': KNOWN_AT_ONCE,
    'TestConn/test_delete_topics_with_an_invalid_topic': KNOWN_AT_ONCE,
  },
  prepare: cache =>
    prepareGo(
      { module: MODULE, folder: '.', env: () => ({ KAFKA_VERSION: '4.2.0' }), skip: SKIP, timeoutMinutes: 20 },
      cache,
    ),
}
