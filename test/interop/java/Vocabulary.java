import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * The words that Client.java shares with the programs in the other languages: called as {@code COMMAND ARGS_JSON}, it
 * answers with JSON lines. They are described in ../README.md. JSON is read and written by the Jackson that Kafka brings.
 */
final class Vocabulary {
  static final ObjectMapper JSON = new ObjectMapper();

  /** A step of {@code admin}: takes its arguments, answers what JSON can say. */
  interface Operation {
    Object run(JsonNode step) throws Exception;
  }

  static ObjectNode object(Object... pairs) {
    ObjectNode object = JSON.createObjectNode();
    for (int i = 0; i < pairs.length; i += 2) object.set((String) pairs[i], JSON.valueToTree(pairs[i + 1]));
    return object;
  }

  static synchronized void emit(ObjectNode line) {
    byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
    System.out.write(bytes, 0, bytes.length);
    System.out.flush();
  }

  static byte[] unbase64(JsonNode text) {
    return text.isNull() ? null : Base64.getDecoder().decode(text.textValue());
  }

  static List<JsonNode> readLines(String path) throws Exception {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(path))) lines.add(JSON.readTree(line));
    return lines;
  }

  static ProducerRecord<byte[], byte[]> toSend(String topic, JsonNode record) {
    List<Header> headers = new ArrayList<>();
    for (JsonNode pair : record.get("headers")) {
      headers.add(new RecordHeader(pair.get(0).textValue(), unbase64(pair.get(1))));
    }
    Long timestamp = record.get("timestamp").longValue();
    return new ProducerRecord<>(
        topic, null, timestamp, unbase64(record.get("key")), unbase64(record.get("value")), headers);
  }

  static ObjectNode received(ConsumerRecord<byte[], byte[]> record) {
    ArrayNode headers = JSON.createArrayNode();
    for (Header header : record.headers()) {
      headers.add(JSON.createArrayNode().add(header.key()).add(header.value()));
    }
    return object(
        "topic", record.topic(),
        "partition", record.partition(),
        "offset", record.offset(),
        "timestamp", record.timestamp(),
        "key", record.key(),
        "value", record.value(),
        "headers", headers);
  }

  /** Runs each step; a broker's error is an answer, not a failure of the program. */
  static void runSteps(JsonNode steps, Map<String, Operation> operations) {
    for (JsonNode step : steps) {
      String op = step.get("op").textValue();
      Operation operation = operations.get(op);
      if (operation == null) {
        emit(object("op", op, "lacks", "this client has no such call"));
        continue;
      }
      try {
        emit(object("op", op, "result", operation.run(step)));
      } catch (Exception error) {
        emit(object("op", op, "error", String.valueOf(error.getCause() == null ? error : error.getCause())));
      }
    }
  }

  static List<String> strings(JsonNode array) {
    List<String> list = new ArrayList<>();
    if (array != null) array.forEach(each -> list.add(each.textValue()));
    return list;
  }

  static Map<String, String> map(JsonNode object) {
    Map<String, String> map = new TreeMap<>();
    if (object != null) object.properties().forEach(each -> map.put(each.getKey(), each.getValue().textValue()));
    return map;
  }

  private Vocabulary() {}
}
