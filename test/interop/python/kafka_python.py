"""kafka-python, speaking the vocabulary of ../README.md."""

import uuid

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, NewTopic
from kafka.protocol.consumer import OffsetSpec

from vocabulary import Lacking, Terminated, b64, emit, end, main, read_records, run_steps

TIMEOUT_S = 20


def produce(bootstrap, batches, records):
    everything = list(read_records(records))
    for batch in batches:
        topic = batch["topic"]
        producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            compression_type=None if batch["codec"] == "none" else batch["codec"],
            acks="all" if batch["acks"] == -1 else batch["acks"],
            enable_idempotence=batch["idempotent"],
            linger_ms=20,
            max_request_size=1048576,
        )
        try:
            futures = [
                producer.send(
                    topic,
                    key=record["key"],
                    value=record["value"],
                    headers=record["headers"],
                    timestamp_ms=record["timestamp"],
                )
                for record in everything
            ]
            producer.flush(timeout=TIMEOUT_S)
            for index, future in enumerate(futures):
                placed = future.get(timeout=TIMEOUT_S)
                if batch["acks"] != 0:
                    emit(topic=topic, index=index, partition=placed.partition, offset=placed.offset)
            emit(topic=topic, done=len(everything))
        except Exception as error:
            emit(topic=topic, error=f"{type(error).__name__} {error}")
        finally:
            producer.close()


def consume(bootstrap, topics, count):
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=200
    )
    consumer.assign([TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t)])
    consumer.seek_to_beginning()
    while count > 0:
        for messages in consumer.poll(timeout_ms=500).values():
            for message in messages:
                emit(
                    topic=message.topic,
                    partition=message.partition,
                    offset=message.offset,
                    timestamp=message.timestamp,
                    key=b64(message.key),
                    value=b64(message.value),
                    headers=[[name, b64(value)] for name, value in message.headers],
                )
                count -= 1
    consumer.close()


def member(bootstrap, group, topic, sessionMs):
    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked):
            pass

        def on_partitions_assigned(self, assigned):
            emit(event="assigned", partitions=[p.partition for p in assigned])

    terminated = Terminated()
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        session_timeout_ms=sessionMs,
        heartbeat_interval_ms=sessionMs // 10,
        max_poll_interval_ms=10_000,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=200,
    )
    consumer.subscribe([topic], listener=Listener())
    while not terminated:
        for partition, messages in consumer.poll(timeout_ms=100).items():
            for message in messages:
                emit(event="record", partition=message.partition, offset=message.offset, value=b64(message.value))
            consumer.commit({partition: OffsetAndMetadata(messages[-1].offset + 1, "", -1)})
    consumer.close(autocommit=False)
    end()


class Operations:
    """The calls of kafka-python's admin client, answered in the common form."""

    def __init__(self, admin):
        self._admin = admin

    def table(self):
        names = [name for name in dir(self) if name[0] != "_" and name != "table"]
        return {name.replace("_", "-"): getattr(self, name) for name in names}

    def _partitions(self, topic):
        return sorted(p["partition_index"] for p in self._admin.describe_topics([topic])[0]["partitions"])

    def create_topics(self, topics):
        wanted = [NewTopic(t["name"], t["partitions"], 1, topic_configs=t.get("configs", {})) for t in topics]
        self._admin.create_topics(wanted)

    def delete_topics(self, topics):
        self._admin.delete_topics(topics)

    def list_topics(self):
        return sorted(self._admin.list_topics())

    def describe_topic(self, topic):
        return [
            {"partition": p["partition_index"], "leader": p["leader_id"], "replicas": p["replica_nodes"], "isr": p["isr_nodes"]}
            for p in self._admin.describe_topics([topic])[0]["partitions"]
        ]

    def create_partitions(self, topic, count):
        self._admin.create_partitions({topic: count})

    def describe_configs(self, type, name, keys):
        resource = ConfigResource(ConfigResourceType[type.upper()], name, keys)
        found = self._admin.describe_configs([resource], config_filter="all")
        entries = found[type][name]
        return {key: entries[key]["value"] for key in keys}

    def alter_configs(self, topic, set, remove):
        changes = {**set, **{name: (AlterConfigOp.DELETE, None) for name in remove}}
        found = self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, changes)], incremental=True)
        if found["topic"][topic] != "OK":
            raise RuntimeError(found["topic"][topic])

    def replace_configs(self, topic, set):
        raise Lacking("its old way of altering sends along all that is set already")

    def list_offsets(self, topic, at):
        special = {"earliest": OffsetSpec.EARLIEST, "latest": OffsetSpec.LATEST, "max-timestamp": OffsetSpec.MAX_TIMESTAMP}
        wanted = {TopicPartition(topic, p): special.get(at, at) for p in self._partitions(topic)}
        return {p.partition: info.offset for p, info in self._admin.list_partition_offsets(wanted).items()}

    def delete_records(self, topic, offsets):
        found = self._admin.delete_records({TopicPartition(topic, int(p)): o for p, o in offsets.items()})
        return {p.partition: answer["low_watermark"] for p, answer in found.items()}

    def list_groups(self):
        return sorted(group["group_id"] for group in self._admin.list_groups())

    def describe_group(self, group):
        found = self._admin.describe_groups([group])[group]
        return {"state": found["group_state"], "members": len(found["members"])}

    def group_offsets(self, group, topic):
        found = self._admin.list_group_offsets([group])[group]
        return {p.partition: committed.offset for p, committed in found.items() if p.topic == topic}

    def set_group_offsets(self, group, topic, offsets):
        wanted = {TopicPartition(topic, int(p)): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}
        self._admin.alter_group_offsets(group, wanted)

    def delete_group_offsets(self, group, topic, partitions):
        self._admin.delete_group_offsets(group, [TopicPartition(topic, p) for p in partitions])

    def delete_groups(self, groups):
        self._admin.delete_groups(groups)

    def describe_cluster(self):
        found = self._admin.describe_cluster()
        nodes = [{"id": b["broker_id"], "host": b["host"], "port": b["port"]} for b in found["brokers"]]
        return {"id": found["cluster_id"], "controller": found["controller_id"], "brokers": nodes}

    def describe_log_dirs(self, topic):
        wanted = {topic: self._partitions(topic)}
        sizes = {}
        for broker in self._admin.describe_log_dirs(wanted):
            for found in broker["log_dirs"]:
                for entry in found["topics"]:
                    sizes.update({p["partition_index"]: p["partition_size"] for p in entry["partitions"]})
        return sizes


def admin(bootstrap, steps):
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    run_steps(steps, Operations(client).table())
    client.close()


main(produce=produce, consume=consume, member=member, admin=admin)
