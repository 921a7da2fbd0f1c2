import static org.apache.kafka.clients.consumer.ConsumerConfig.*;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Apache Kafka's own producer and consumer, speaking the vocabulary of ../README.md; its admin client is Operations. */
final class Client {
  public static void main(String[] arguments) throws Exception {
    JsonNode args = Vocabulary.JSON.readTree(arguments[1]);
    switch (arguments[0]) {
      case "produce" -> produce(args);
      case "consume" -> consume(args);
      case "member" -> member(args);
      case "admin" -> Operations.admin(args);
      case "transact" -> Transactions.transact(args);
      case "transform" -> Transactions.transform(args);
      default -> throw new IllegalArgumentException("no command " + arguments[0]);
    }
  }

  private static void produce(JsonNode args) throws Exception {
    List<JsonNode> records = Vocabulary.readLines(args.get("records").textValue());
    for (JsonNode batch : args.get("batches")) {
      try {
        send(args.get("bootstrap").textValue(), batch, records);
        Vocabulary.emit(Vocabulary.object("topic", batch.get("topic"), "done", records.size()));
      } catch (Exception error) {
        Vocabulary.emit(Vocabulary.object("topic", batch.get("topic"), "error", error.toString()));
      }
    }
  }

  private static void send(String bootstrap, JsonNode batch, List<JsonNode> records) throws Exception {
    String topic = batch.get("topic").textValue();
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("compression.type", batch.get("codec").textValue());
    config.put("acks", batch.get("acks").asText());
    config.put("enable.idempotence", batch.get("idempotent").booleanValue());
    config.put("linger.ms", 20);
    List<Future<RecordMetadata>> places = new ArrayList<>();
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (JsonNode record : records) places.add(producer.send(Vocabulary.toSend(topic, record)));
    }
    for (int index = 0; index < places.size(); index++) {
      RecordMetadata place = places.get(index).get();
      if (!place.hasOffset()) continue;
      Vocabulary.emit(
          Vocabulary.object("topic", topic, "index", index, "partition", place.partition(), "offset", place.offset()));
    }
  }

  static KafkaConsumer<byte[], byte[]> consumer(JsonNode args, Map<String, Object> more) {
    Map<String, Object> config = new HashMap<>(more);
    config.put(BOOTSTRAP_SERVERS_CONFIG, args.get("bootstrap").textValue());
    config.put(ENABLE_AUTO_COMMIT_CONFIG, false);
    config.put(AUTO_OFFSET_RESET_CONFIG, "earliest");
    config.put(FETCH_MAX_WAIT_MS_CONFIG, 200);
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static void consume(JsonNode args) {
    String isolation = args.has("isolation") ? args.get("isolation").textValue() : "read_uncommitted";
    try (var consumer = consumer(args, Map.of(ISOLATION_LEVEL_CONFIG, isolation))) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (String topic : Vocabulary.strings(args.get("topics"))) {
        consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
      }
      consumer.assign(partitions);
      for (int left = args.get("count").intValue(); left > 0; ) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          Vocabulary.emit(Vocabulary.received(record));
          left--;
        }
      }
    }
  }

  private static void member(JsonNode args) {
    String topic = args.get("topic").textValue();
    int sessionMs = args.get("sessionMs").intValue();
    Map<String, Object> config = new HashMap<>();
    config.put(GROUP_ID_CONFIG, args.get("group").textValue());
    config.put(MAX_POLL_INTERVAL_MS_CONFIG, 10_000);
    if (args.hasNonNull("instance")) config.put(GROUP_INSTANCE_ID_CONFIG, args.get("instance").textValue());
    if ("consumer".equals(args.path("protocol").textValue())) {
      // How long a session is and how often it beats is the group's own.
      config.put(GROUP_PROTOCOL_CONFIG, "consumer");
      if (args.hasNonNull("assignor")) config.put(GROUP_REMOTE_ASSIGNOR_CONFIG, args.get("assignor").textValue());
    } else {
      config.put(SESSION_TIMEOUT_MS_CONFIG, sessionMs);
      config.put(HEARTBEAT_INTERVAL_MS_CONFIG, sessionMs / 10);
    }
    var consumer = consumer(args, config);
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      consumer.wakeup();
      try {
        main.join();
      } catch (InterruptedException stop) {
        Thread.currentThread().interrupt();
      }
    }));
    var reporter = new Reporter();
    if (args.hasNonNull("pattern")) consumer.subscribe(new SubscriptionPattern(args.get("pattern").textValue()), reporter);
    else consumer.subscribe(List.of(topic), reporter);
    try (consumer) {
      while (true) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
        for (ConsumerRecord<byte[], byte[]> record : records) {
          Vocabulary.emit(Vocabulary.object(
              "event", "record", "partition", record.partition(), "offset", record.offset(), "value", record.value()));
        }
        if (!records.isEmpty()) consumer.commitSync();
      }
    } catch (WakeupException terminated) {
      // SIGTERM: leaving the try block has closed the consumer, which leaves the group.
    }
  }

  /** Prints the whole assignment whenever something comes or goes. */
  private static final class Reporter implements ConsumerRebalanceListener {
    private final Set<TopicPartition> held = new HashSet<>();

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
      revoked.forEach(held::remove);
      report();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
      held.addAll(assigned);
      report();
    }

    private void report() {
      var partitions = held.stream().map(TopicPartition::partition).toList();
      Vocabulary.emit(Vocabulary.object("event", "assigned", "partitions", partitions));
    }
  }
}
