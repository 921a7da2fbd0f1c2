import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.Collections;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

/** Asks Apache Kafka's own server assignors: reads groups, one a line of the file that is given, and prints who gets what. */
final class Assign {
  public static void main(String[] arguments) throws Exception {
    for (JsonNode group : Vocabulary.readLines(arguments[0])) {
      Map<Uuid, Integer> counts = new HashMap<>();
      group.get("topics").fields().forEachRemaining(topic ->
          counts.put(Uuid.fromString(topic.getKey()), topic.getValue().intValue()));
      Map<String, MemberSubscriptionAndAssignmentImpl> members = new HashMap<>();
      Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
      for (JsonNode member : group.get("members")) {
        String id = member.get("id").textValue();
        Set<Uuid> topics = new HashSet<>();
        member.get("topics").forEach(topic -> topics.add(Uuid.fromString(topic.textValue())));
        Map<Uuid, Set<Integer>> assigned = new HashMap<>();
        member.get("assigned").fields().forEachRemaining(topic -> {
          Uuid uuid = Uuid.fromString(topic.getKey());
          topic.getValue().forEach(partition -> {
            assigned.computeIfAbsent(uuid, __ -> new HashSet<>()).add(partition.intValue());
            owners.computeIfAbsent(uuid, __ -> new HashMap<>()).put(partition.intValue(), id);
          });
        });
        members.put(id, new MemberSubscriptionAndAssignmentImpl(
            Optional.empty(),
            Optional.ofNullable(member.get("instanceId").textValue()),
            topics,
            new Assignment(Collections.unmodifiableMap(assigned))));
      }
      var type = group.get("isHomogeneous").booleanValue() ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS;
      var spec = new GroupSpecImpl(Collections.unmodifiableMap(members), type, owners);
      var describer = new SubscribedTopicDescriber() {
        @Override
        public int numPartitions(Uuid topicId) {
          return counts.getOrDefault(topicId, -1);
        }

        @Override
        public Set<String> racksForPartition(Uuid topicId, int partition) {
          return Set.of();
        }
      };
      var assignor = group.get("assignor").textValue().equals("range") ? new RangeAssignor() : new UniformAssignor();
      Map<String, Map<String, Set<Integer>>> result = new TreeMap<>();
      assignor.assign(spec, describer).members().forEach((id, assignment) -> {
        Map<String, Set<Integer>> topics = new TreeMap<>();
        assignment.partitions().forEach((topic, partitions) -> {
          if (!partitions.isEmpty()) topics.put(topic.toString(), new TreeSet<>(partitions));
        });
        result.put(id, topics);
      });
      Vocabulary.emit(Vocabulary.object("members", result));
    }
  }
}
