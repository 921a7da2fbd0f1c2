import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * An instance of a Kafka Streams application in the streams protocol: it counts the words of a topic, by way of a
 * repartition topic and a store with a changelog. Runs until SIGTERM; prints what becomes of it as JSON lines:
 * {@code {state}}, {@code {active, standby}} when its tasks change, {@code {restored}} records of changelogs.
 */
final class StreamsApp {
  public static void main(String[] arguments) throws Exception {
    JsonNode args = Vocabulary.JSON.readTree(arguments[0]);
    Properties config = new Properties();
    args.get("config").properties().forEach(entry -> config.put(entry.getKey(), entry.getValue().asText()));
    KafkaStreams streams = new KafkaStreams(wordCount(args).build(), config);
    streams.setStateListener((now, before) -> Vocabulary.emit(Vocabulary.object("state", now.toString())));
    streams.setUncaughtExceptionHandler(
        error -> {
          Vocabulary.emit(Vocabulary.object("error", error.toString()));
          return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
              .SHUTDOWN_CLIENT;
        });
    streams.setGlobalStateRestoreListener(new Restored());
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close();
                  ended.countDown();
                }));
    streams.start();
    String before = "";
    while (ended.getCount() > 0) {
      var tasks = tasks(streams);
      if (!tasks.toString().equals(before)) Vocabulary.emit(tasks);
      before = tasks.toString();
      Thread.sleep(100);
    }
  }

  private static StreamsBuilder wordCount(JsonNode args) {
    StreamsBuilder builder = new StreamsBuilder();
    var text = Serdes.String();
    builder.stream(args.get("input").textValue(), Consumed.with(text, text))
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with("words", text, text))
        .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts").withCachingDisabled())
        .toStream()
        .mapValues(count -> String.valueOf(count))
        .to(args.get("output").textValue(), Produced.with(text, text));
    return builder;
  }

  private static com.fasterxml.jackson.databind.node.ObjectNode tasks(KafkaStreams streams) {
    var active = new TreeSet<String>();
    var standby = new TreeSet<String>();
    for (var thread : streams.metadataForLocalThreads()) {
      thread.activeTasks().forEach(task -> active.add(task.taskId().toString()));
      thread.standbyTasks().forEach(task -> standby.add(task.taskId().toString()));
    }
    return Vocabulary.object("active", active, "standby", standby);
  }

  private static final class Restored implements StateRestoreListener {
    private final AtomicLong total = new AtomicLong();

    @Override
    public void onRestoreStart(TopicPartition partition, String store, long from, long to) {
      Vocabulary.emit(Vocabulary.object("restoring", partition.toString(), "from", from, "to", to));
    }

    @Override
    public void onBatchRestored(TopicPartition partition, String store, long to, long count) {}

    @Override
    public void onRestoreEnd(TopicPartition partition, String store, long count) {
      Vocabulary.emit(Vocabulary.object("restored", total.addAndGet(count)));
    }
  }
}
