import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** The calls of Apache Kafka's admin client, answered in the form of ../README.md. */
final class Operations {
  static void admin(JsonNode args) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", args.get("bootstrap").textValue()))) {
      Operations operations = new Operations(admin);
      Map<String, Vocabulary.Operation> table = new HashMap<>();
      operations.addTopicOperations(table);
      operations.addConfigOperations(table);
      operations.addOffsetOperations(table);
      operations.addGroupOperations(table);
      Vocabulary.runSteps(args.get("steps"), table);
    }
  }

  private final Admin admin;

  private Operations(Admin admin) {
    this.admin = admin;
  }

  private static String text(JsonNode step, String field) {
    return step.get(field).textValue();
  }

  private static List<Integer> ids(Collection<Node> nodes) {
    return nodes.stream().map(Node::id).toList();
  }

  private TopicDescription topic(JsonNode step) throws Exception {
    String name = text(step, "topic");
    return admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
  }

  private List<TopicPartition> partitions(JsonNode step) throws Exception {
    TopicDescription topic = topic(step);
    return topic.partitions().stream().map(p -> new TopicPartition(topic.name(), p.partition())).toList();
  }

  private static Map<TopicPartition, Long> offsets(JsonNode step) {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    step.get("offsets").properties().forEach(each ->
        offsets.put(new TopicPartition(text(step, "topic"), Integer.parseInt(each.getKey())), each.getValue().longValue()));
    return offsets;
  }

  private void addTopicOperations(Map<String, Vocabulary.Operation> table) {
    table.put("create-topics", step -> {
      List<NewTopic> topics = new ArrayList<>();
      for (JsonNode topic : step.get("topics")) {
        topics.add(new NewTopic(text(topic, "name"), topic.get("partitions").intValue(), (short) 1)
            .configs(Vocabulary.map(topic.get("configs"))));
      }
      return admin.createTopics(topics).all().get();
    });
    table.put("delete-topics", step -> admin.deleteTopics(Vocabulary.strings(step.get("topics"))).all().get());
    table.put("list-topics", step -> new TreeSet<>(admin.listTopics().names().get()));
    table.put("describe-topic", step -> topic(step).partitions().stream()
        .map(p -> Vocabulary.object(
            "partition", p.partition(), "leader", p.leader().id(), "replicas", ids(p.replicas()), "isr", ids(p.isr())))
        .toList());
    table.put("topic-id", step -> topic(step).topicId().toString());
    table.put("create-partitions", step -> admin.createPartitions(
        Map.of(text(step, "topic"), NewPartitions.increaseTo(step.get("count").intValue()))).all().get());
    table.put("describe-cluster", step -> {
      var cluster = admin.describeCluster();
      var brokers = cluster.nodes().get().stream()
          .map(node -> Vocabulary.object("id", node.id(), "host", node.host(), "port", node.port()))
          .toList();
      return Vocabulary.object(
          "id", cluster.clusterId().get(), "controller", cluster.controller().get().id(), "brokers", brokers);
    });
    table.put("describe-log-dirs", step -> {
      Map<Integer, Long> sizes = new TreeMap<>();
      var brokers = admin.describeLogDirs(ids(admin.describeCluster().nodes().get())).allDescriptions().get();
      brokers.values().forEach(dirs -> dirs.values().forEach(dir -> dir.replicaInfos().forEach((partition, replica) -> {
        if (partition.topic().equals(text(step, "topic"))) sizes.put(partition.partition(), replica.size());
      })));
      return sizes;
    });
  }

  private void addConfigOperations(Map<String, Vocabulary.Operation> table) {
    table.put("describe-configs", step -> {
      var type = ConfigResource.Type.valueOf(text(step, "type").toUpperCase());
      var resource = new ConfigResource(type, text(step, "name"));
      Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
      Map<String, String> values = new TreeMap<>();
      for (String key : Vocabulary.strings(step.get("keys"))) values.put(key, config.get(key).value());
      return values;
    });
    table.put("alter-configs", step -> {
      List<AlterConfigOp> changes = new ArrayList<>();
      Vocabulary.map(step.get("set")).forEach((name, value) ->
          changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
      for (String name : Vocabulary.strings(step.get("remove"))) {
        changes.add(new AlterConfigOp(new ConfigEntry(name, ""), AlterConfigOp.OpType.DELETE));
      }
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, text(step, "topic"));
      return admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    });
  }

  private void addOffsetOperations(Map<String, Vocabulary.Operation> table) {
    table.put("list-offsets", step -> {
      JsonNode at = step.get("at");
      OffsetSpec spec = at.isNumber() ? OffsetSpec.forTimestamp(at.longValue()) : switch (at.textValue()) {
        case "earliest" -> OffsetSpec.earliest();
        case "latest" -> OffsetSpec.latest();
        case "max-timestamp" -> OffsetSpec.maxTimestamp();
        default -> throw new IllegalArgumentException(at.textValue());
      };
      Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
      for (TopicPartition partition : partitions(step)) wanted.put(partition, spec);
      Map<Integer, Long> found = new TreeMap<>();
      admin.listOffsets(wanted).all().get().forEach((p, info) -> found.put(p.partition(), info.offset()));
      return found;
    });
    table.put("delete-records", step -> {
      Map<TopicPartition, RecordsToDelete> wanted = new HashMap<>();
      offsets(step).forEach((partition, offset) -> wanted.put(partition, RecordsToDelete.beforeOffset(offset)));
      Map<Integer, Long> marks = new TreeMap<>();
      for (var each : admin.deleteRecords(wanted).lowWatermarks().entrySet()) {
        marks.put(each.getKey().partition(), each.getValue().get().lowWatermark());
      }
      return marks;
    });
  }

  private void addGroupOperations(Map<String, Vocabulary.Operation> table) {
    table.put("list-groups", step -> {
      TreeSet<String> names = new TreeSet<>();
      admin.listGroups(new ListGroupsOptions()).all().get().forEach(group -> names.add(group.groupId()));
      return names;
    });
    table.put("describe-group", step -> {
      String name = text(step, "group");
      ConsumerGroupDescription group = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
      return Vocabulary.object("state", group.groupState().toString(), "members", group.members().size());
    });
    table.put("group-offsets", step -> {
      Map<Integer, Long> found = new TreeMap<>();
      admin.listConsumerGroupOffsets(text(step, "group")).partitionsToOffsetAndMetadata().get().forEach((p, committed) -> {
        if (committed != null && p.topic().equals(text(step, "topic"))) found.put(p.partition(), committed.offset());
      });
      return found;
    });
    table.put("set-group-offsets", step -> {
      Map<TopicPartition, OffsetAndMetadata> wanted = new HashMap<>();
      offsets(step).forEach((partition, offset) -> wanted.put(partition, new OffsetAndMetadata(offset)));
      return admin.alterConsumerGroupOffsets(text(step, "group"), wanted).all().get();
    });
    table.put("delete-group-offsets", step -> {
      TreeSet<TopicPartition> wanted = new TreeSet<>((a, b) -> a.partition() - b.partition());
      step.get("partitions").forEach(p -> wanted.add(new TopicPartition(text(step, "topic"), p.intValue())));
      return admin.deleteConsumerGroupOffsets(text(step, "group"), wanted).all().get();
    });
    table.put("delete-groups", step -> admin.deleteConsumerGroups(Vocabulary.strings(step.get("groups"))).all().get());
  }
}
