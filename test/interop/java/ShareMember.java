import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Apache Kafka's share consumer, told what to do line by line: {@code {"op": "poll", "count": 3}} and the like, each
 * answered by one line. A consumer belongs to its thread, so what it is told is done one after another.
 */
final class ShareMember {
  private final KafkaShareConsumer<byte[], byte[]> consumer;
  /** Those of the last poll by their offsets; all is in one partition. */
  private Map<Long, ConsumerRecord<byte[], byte[]>> records = new TreeMap<>();

  private ShareMember(KafkaShareConsumer<byte[], byte[]> consumer) {
    this.consumer = consumer;
  }

  public static void main(String[] arguments) throws Exception {
    JsonNode args = Vocabulary.JSON.readTree(arguments[0]);
    Map<String, Object> config = Vocabulary.JSON.convertValue(args.get("config"), TreeMap.class);
    var deserializer = new ByteArrayDeserializer();
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (var consumer = new KafkaShareConsumer<>(config, deserializer, deserializer)) {
      consumer.subscribe(List.of(args.get("topic").textValue()));
      var member = new ShareMember(consumer);
      for (String line = lines.readLine(); line != null; line = lines.readLine()) member.answer(line);
    }
  }

  private void answer(String line) throws Exception {
    JsonNode step = Vocabulary.JSON.readTree(line);
    try {
      Vocabulary.emit(Vocabulary.object("ok", run(step)));
    } catch (RuntimeException error) {
      Vocabulary.emit(Vocabulary.object("error", error.getClass().getSimpleName()));
    }
  }

  private Object run(JsonNode step) {
    return switch (step.get("op").textValue()) {
      case "poll" -> poll(step.get("count").intValue(), step.get("ms").longValue());
      case "acknowledge" -> acknowledge(step);
      case "commit" -> commit();
      default -> throw new IllegalArgumentException("no step " + step);
    };
  }

  /** Polls until there are so many, at most so long; once, if none are expected: [offset, delivery count] of each. */
  private ArrayNode poll(int count, long ms) {
    ArrayNode found = Vocabulary.JSON.createArrayNode();
    Map<Long, ConsumerRecord<byte[], byte[]>> polled = new TreeMap<>();
    long end = System.currentTimeMillis() + ms;
    do {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(count == 0 ? ms : 200))) {
        polled.put(record.offset(), record);
      }
    } while (polled.size() < count && System.currentTimeMillis() < end);
    records = polled;
    records.forEach((offset, record) -> found.add(
        Vocabulary.JSON.createArrayNode().add(offset).add(record.deliveryCount().orElse((short) -1))));
    return found;
  }

  private String acknowledge(JsonNode step) {
    var type = AcknowledgeType.valueOf(step.get("type").textValue());
    for (JsonNode offset : step.get("offsets")) consumer.acknowledge(records.get(offset.longValue()), type);
    return type.toString();
  }

  /** Of each partition: nothing, or the error that it met. */
  private List<String> commit() {
    return consumer.commitSync().values().stream()
        .map(error -> error.map(each -> each.getClass().getSimpleName()).orElse("done"))
        .sorted(Comparator.naturalOrder())
        .toList();
  }
}
