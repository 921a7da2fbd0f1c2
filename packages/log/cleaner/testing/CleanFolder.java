import java.io.File;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.Cleaner;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogToClean;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.SkimpyOffsetMap;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.utils.Throttler;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Cleans one partition's folder once, by Apache Kafka's own cleaner: FOLDER FIRST_DIRTY FIRST_UNCLEANABLE NOW_MS CONFIG=VALUE...
 * Prints up to where it is clean.
 */
public class CleanFolder {
    public static void main(String[] args) throws Exception {
        Map<String, String> config = new HashMap<>();
        for (int i = 4; i < args.length; i++) config.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        KafkaScheduler scheduler = new KafkaScheduler(1);
        scheduler.startup();
        UnifiedLog log = UnifiedLog.create(new File(args[0]), new LogConfig(config), 0L, Long.MAX_VALUE, scheduler,
            new BrokerTopicStats(), Time.SYSTEM, 900_000, new ProducerStateManagerConfig(86_400_000, false), 600_000,
            new LogDirFailureChannel(1), true, Optional.empty());
        log.updateHighWatermark(log.logEndOffset());
        Cleaner cleaner = new Cleaner(0, new SkimpyOffsetMap(1 << 20), 1 << 18, 1 << 20, 0.9,
            new Throttler(Double.MAX_VALUE, 300, "cleaner-io", "bytes", Time.SYSTEM), Time.SYSTEM, partition -> { });
        LogToClean dirty = new LogToClean(log, Long.parseLong(args[1]), Long.parseLong(args[2]), false);
        System.out.println(cleaner.doClean(dirty, Long.parseLong(args[3])).getKey());
        log.close();
        scheduler.shutdown();
    }
}
