import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.coordinator.group.streams.assignor.AssignmentMemberSpec;
import org.apache.kafka.coordinator.group.streams.assignor.GroupSpecImpl;
import org.apache.kafka.coordinator.group.streams.assignor.StickyTaskAssignor;
import org.apache.kafka.coordinator.group.streams.assignor.TopologyDescriber;

/**
 * Apache Kafka's own assignor of streams groups. Each line of a file is {@code {members, subtopologies, standby}}, each line
 * of output what every member gets: {@code {member: {active: {subtopology: [partition]}, standby}}}.
 */
final class Assignments {
  public static void main(String[] arguments) throws Exception {
    for (JsonNode line : Vocabulary.readLines(arguments[0])) Vocabulary.emit(assign(line));
  }

  private static ObjectNode assign(JsonNode line) {
    Map<String, AssignmentMemberSpec> members = new TreeMap<>();
    for (JsonNode member : line.get("members")) members.put(member.get("id").textValue(), spec(member));
    var configs = Map.of("num.standby.replicas", line.get("standby").asText());
    var result = new StickyTaskAssignor().assign(new GroupSpecImpl(members, configs), new Topology(line));
    ObjectNode answer = Vocabulary.JSON.createObjectNode();
    new TreeMap<>(result.members())
        .forEach(
            (id, assigned) ->
                answer.set(
                    id,
                    Vocabulary.object(
                        "active", sorted(assigned.activeTasks()), "standby", sorted(assigned.standbyTasks()))));
    return answer;
  }

  private static AssignmentMemberSpec spec(JsonNode member) {
    var process = member.get("process").textValue();
    var active = tasks(member.get("active"));
    var standby = tasks(member.get("standby"));
    return new AssignmentMemberSpec(
        Optional.empty(), Optional.empty(), active, standby, Map.of(), process, Map.of(), Map.of(), Map.of());
  }

  private static Map<String, Set<Integer>> tasks(JsonNode bySubtopology) {
    Map<String, Set<Integer>> tasks = new HashMap<>();
    bySubtopology
        .properties()
        .forEach(
            entry -> {
              Set<Integer> partitions = new HashSet<>();
              entry.getValue().forEach(partition -> partitions.add(partition.intValue()));
              tasks.put(entry.getKey(), partitions);
            });
    return tasks;
  }

  private static Map<String, Set<Integer>> sorted(Map<String, Set<Integer>> tasks) {
    Map<String, Set<Integer>> sorted = new TreeMap<>();
    tasks.forEach((subtopology, partitions) -> sorted.put(subtopology, new TreeSet<>(partitions)));
    return sorted;
  }

  private record Topology(Map<String, JsonNode> subtopologiesById) implements TopologyDescriber {
    Topology(JsonNode line) {
      this(new TreeMap<>());
      for (JsonNode subtopology : line.get("subtopologies")) {
        subtopologiesById.put(subtopology.get("id").textValue(), subtopology);
      }
    }

    @Override
    public List<String> subtopologies() {
      return new ArrayList<>(subtopologiesById.keySet());
    }

    @Override
    public int maxNumInputPartitions(String id) {
      return subtopologiesById.get(id).get("taskCount").intValue();
    }

    @Override
    public boolean isStateful(String id) {
      return subtopologiesById.get(id).get("isStateful").booleanValue();
    }
  }
}
