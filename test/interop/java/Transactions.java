import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Apache Kafka's transactional producer, speaking the vocabulary of ../README.md. */
final class Transactions {
  /** Steps come one a line, so that others can act between them. */
  static void transact(JsonNode args) throws Exception {
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (var producer = producer(args)) {
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        JsonNode step = Vocabulary.JSON.readTree(line);
        String op = step.get("op").textValue();
        try {
          run(producer, op, step);
          Vocabulary.emit(Vocabulary.object("op", op));
        } catch (Exception error) {
          Vocabulary.emit(Vocabulary.object("op", op, "error", error.toString()));
        }
      }
      // Whatever is open stays so: close would wait for it.
      Runtime.getRuntime().halt(0);
    }
  }

  private static void run(KafkaProducer<byte[], byte[]> producer, String op, JsonNode step) throws Exception {
    switch (op) {
      case "init" -> producer.initTransactions();
      case "begin" -> producer.beginTransaction();
      case "send" -> {
        List<Future<?>> sent = new ArrayList<>();
        for (JsonNode value : step.get("values"))
          sent.add(producer.send(new ProducerRecord<>(step.get("topic").textValue(), bytes(value.textValue()))));
        producer.flush();
        for (Future<?> one : sent) one.get();
      }
      case "commit" -> producer.commitTransaction();
      case "abort" -> producer.abortTransaction();
      default -> throw new IllegalArgumentException(op);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static KafkaProducer<byte[], byte[]> producer(JsonNode args) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args.get("bootstrap").textValue());
    config.put("transactional.id", args.get("transactionalId").textValue());
    config.put("transaction.timeout.ms", args.get("timeoutMs").intValue());
    config.put("max.block.ms", 20_000);
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Reads, changes and writes each record exactly once, whenever it is killed. */
  static void transform(JsonNode args) throws Exception {
    String output = args.get("output").textValue();
    Map<String, Object> more = new HashMap<>();
    more.put("group.id", args.get("group").textValue());
    more.put("session.timeout.ms", args.get("sessionMs").intValue());
    more.put("heartbeat.interval.ms", args.get("sessionMs").intValue() / 10);
    more.put("isolation.level", "read_committed");
    more.put("max.poll.records", args.get("count").intValue());
    try (KafkaConsumer<byte[], byte[]> consumer = Client.consumer(args, more); var producer = producer(args)) {
      producer.initTransactions();
      consumer.subscribe(List.of(args.get("input").textValue()));
      while (true) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
        if (records.isEmpty()) continue;
        producer.beginTransaction();
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
          String value = new String(record.value(), StandardCharsets.UTF_8);
          producer.send(new ProducerRecord<>(output, bytes(value + "!")));
          var place = new TopicPartition(record.topic(), record.partition());
          offsets.put(place, new OffsetAndMetadata(record.offset() + 1));
        }
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        Vocabulary.emit(Vocabulary.object("event", "sent", "count", records.count()));
        producer.commitTransaction();
        Vocabulary.emit(Vocabulary.object("event", "committed", "count", records.count()));
      }
    }
  }
}
