"""confluent-kafka (librdkafka), speaking the vocabulary of ../README.md."""

import json
import sys
import uuid

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from vocabulary import Terminated, b64, emit, end, main, read_records, run_steps

TIMEOUT_S = 20


def produce(bootstrap, batches, records, timeoutS=TIMEOUT_S):
    everything = list(read_records(records))
    for batch in batches:
        topic, failures = batch["topic"], []
        producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": batch["codec"],
                "acks": batch["acks"],
                "enable.idempotence": batch["idempotent"],
                "message.max.bytes": 1048576,
                "linger.ms": 20,
                "message.timeout.ms": timeoutS * 1000,
                "allow.auto.create.topics": False,
            }
        )

        def delivered(index):
            def report(error, message):
                if error:
                    failures.append(str(error))
                elif batch["acks"] != 0:
                    emit(topic=topic, index=index, partition=message.partition(), offset=message.offset())

            return report

        for index, record in enumerate(everything):
            producer.produce(
                topic,
                key=record["key"],
                value=record["value"],
                headers=record["headers"],
                timestamp=record["timestamp"],
                on_delivery=delivered(index),
            )
            producer.poll(0)
        left = producer.flush(timeoutS)
        if failures or left:
            emit(topic=topic, error=f"{left} not delivered; {failures[:3]}")
        else:
            emit(topic=topic, done=len(everything))


def consume(bootstrap, topics, count, isolation="read_uncommitted"):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"read-{uuid.uuid4()}",
            "fetch.wait.max.ms": 200,
            "isolation.level": isolation,
        }
    )
    metadata = consumer.list_topics(timeout=TIMEOUT_S)
    consumer.assign([TopicPartition(t, p, 0) for t in topics for p in metadata.topics[t].partitions])
    while count > 0:
        for message in consumer.consume(500, timeout=0.5):
            if message.error():
                raise RuntimeError(message.error())
            emit(
                topic=message.topic(),
                partition=message.partition(),
                offset=message.offset(),
                timestamp=message.timestamp()[1],
                key=b64(message.key()),
                value=b64(message.value()),
                headers=[[name, b64(value)] for name, value in message.headers() or []],
            )
            count -= 1
    consumer.close()


def member(bootstrap, group, topic, sessionMs, protocol="classic"):
    terminated = Terminated()
    held = set()
    # Of a group of the consumer protocol, how long a session is and how often members beat is the group's own.
    times = {"session.timeout.ms": sessionMs, "heartbeat.interval.ms": sessionMs // 10}
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.protocol": protocol,
            **(times if protocol == "classic" else {}),
            "max.poll.interval.ms": max(10_000, sessionMs),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 200,
        }
    )

    def change(update):
        def changed(_, partitions):
            update({p.partition for p in partitions})
            emit(event="assigned", partitions=sorted(held))

        return changed

    gone = change(held.difference_update)
    consumer.subscribe([topic], on_assign=change(held.update), on_revoke=gone, on_lost=gone)
    while not terminated:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            raise RuntimeError(message.error())
        emit(event="record", partition=message.partition(), offset=message.offset(), value=b64(message.value()))
        consumer.commit(message, asynchronous=False)
    consumer.close()


def transactional(bootstrap, transactionalId, timeoutMs):
    return Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": transactionalId, "transaction.timeout.ms": timeoutMs}
    )


def transact(bootstrap, transactionalId, timeoutMs):
    """Steps come one a line, so that others can act between them."""
    producer = transactional(bootstrap, transactionalId, timeoutMs)

    def send(topic, values):
        failures = []
        for value in values:
            producer.produce(topic, value=value, on_delivery=lambda error, _: error and failures.append(error))
        producer.flush(TIMEOUT_S)
        if failures:
            raise RuntimeError(failures[0])

    steps = {
        "init": lambda: producer.init_transactions(TIMEOUT_S),
        "begin": producer.begin_transaction,
        "send": send,
        "commit": lambda: producer.commit_transaction(TIMEOUT_S),
        "abort": lambda: producer.abort_transaction(TIMEOUT_S),
    }
    for line in sys.stdin:
        run_steps([json.loads(line)], steps)
    # Whatever is open stays so.
    end()


def transform(bootstrap, transactionalId, timeoutMs, group, sessionMs, input, output, count):
    """Reads, changes and writes each record exactly once, whenever it is killed."""
    producer = transactional(bootstrap, transactionalId, timeoutMs)
    producer.init_transactions(TIMEOUT_S)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "session.timeout.ms": sessionMs,
            "heartbeat.interval.ms": sessionMs // 10,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 200,
        }
    )
    consumer.subscribe([input])
    while True:
        messages = [m for m in consumer.consume(count, timeout=0.2) if not m.error()]
        if not messages:
            continue
        producer.begin_transaction()
        for message in messages:
            producer.produce(output, value=message.value() + b"!")
        positions = consumer.position(consumer.assignment())
        producer.send_offsets_to_transaction(
            [p for p in positions if p.offset >= 0], consumer.consumer_group_metadata(), TIMEOUT_S
        )
        emit(event="sent", count=len(messages))
        producer.commit_transaction(TIMEOUT_S)
        emit(event="committed", count=len(messages))


class Operations:
    """The calls of librdkafka's admin client, answered in the common form."""

    def __init__(self, bootstrap):
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def table(self):
        names = [name for name in dir(self) if name[0] != "_" and name not in ("table", "admin")]
        return {name.replace("_", "-"): getattr(self, name) for name in names}

    @staticmethod
    def _wait(futures):
        return {key: future.result(TIMEOUT_S) for key, future in futures.items()}

    def _partitions(self, topic):
        return sorted(self.admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)

    def create_topics(self, topics):
        self._wait(
            self.admin.create_topics([NewTopic(t["name"], t["partitions"], 1, config=t.get("configs", {})) for t in topics])
        )

    def delete_topics(self, topics):
        self._wait(self.admin.delete_topics(topics))

    def list_topics(self):
        return sorted(self.admin.list_topics(timeout=TIMEOUT_S).topics)

    def describe_topic(self, topic):
        found = self._wait(self.admin.describe_topics(TopicCollection([topic])))[topic]
        nodes = lambda list_: [node.id for node in list_]
        return [
            {"partition": p.id, "leader": p.leader.id, "replicas": nodes(p.replicas), "isr": nodes(p.isr)}
            for p in found.partitions
        ]

    def create_partitions(self, topic, count):
        self._wait(self.admin.create_partitions([NewPartitions(topic, count)]))

    def describe_configs(self, type, name, keys):
        resource = ConfigResource(type.upper(), name)
        entries = self._wait(self.admin.describe_configs([resource]))[resource]
        return {key: entries[key].value for key in keys}

    def alter_configs(self, topic, set, remove):
        entries = [ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in set.items()]
        entries += [ConfigEntry(k, None, incremental_operation=AlterConfigOpType.DELETE) for k in remove]
        self._wait(
            self.admin.incremental_alter_configs([ConfigResource("TOPIC", topic, incremental_configs=entries)])
        )

    def replace_configs(self, topic, set):
        self._wait(self.admin.alter_configs([ConfigResource("TOPIC", topic, set_config=set)]))

    def list_offsets(self, topic, at):
        special = {"earliest": OffsetSpec.earliest, "latest": OffsetSpec.latest, "max-timestamp": OffsetSpec.max_timestamp}
        spec = special[at]() if at in special else OffsetSpec.for_timestamp(at)
        found = self._wait(self.admin.list_offsets({TopicPartition(topic, p): spec for p in self._partitions(topic)}))
        return {key.partition: info.offset for key, info in found.items()}

    def delete_records(self, topic, offsets):
        found = self._wait(self.admin.delete_records([TopicPartition(topic, int(p), o) for p, o in offsets.items()]))
        return {key.partition: deleted.low_watermark for key, deleted in found.items()}

    def list_groups(self):
        return sorted(group.group_id for group in self.admin.list_consumer_groups().result(TIMEOUT_S).valid)

    def describe_group(self, group):
        found = self._wait(self.admin.describe_consumer_groups([group]))[group]
        state = "".join(word.capitalize() for word in found.state.name.split("_"))
        return {"state": state, "members": len(found.members)}

    def group_offsets(self, group, topic):
        found = self._wait(self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
        return {p.partition: p.offset for p in found.topic_partitions if p.topic == topic and p.offset >= 0}

    def set_group_offsets(self, group, topic, offsets):
        wanted = [TopicPartition(topic, int(p), o) for p, o in offsets.items()]
        found = self._wait(self.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)]))
        for partition in found[group].topic_partitions:
            if partition.error and partition.error.code() != KafkaError.NO_ERROR:
                raise RuntimeError(partition.error)

    def delete_groups(self, groups):
        self._wait(self.admin.delete_consumer_groups(groups))

    def describe_cluster(self):
        found = self.admin.describe_cluster().result(TIMEOUT_S)
        nodes = [{"id": node.id, "host": node.host, "port": node.port} for node in found.nodes]
        return {"id": found.cluster_id, "controller": found.controller.id, "brokers": nodes}


def admin(bootstrap, steps):
    run_steps(steps, Operations(bootstrap).table())


main(produce=produce, consume=consume, member=member, admin=admin, transact=transact, transform=transform)
