package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"

	. "interop/vocabulary"
)

type operation = func(Step) (any, error)

func admin(args Args) {
	client := connect(args.Bootstrap)
	defer client.Close()
	admin := kadm.NewClient(client)
	operations := map[string]operation{}
	for _, table := range []map[string]operation{topicOperations(admin), configOperations(admin), offsetOperations(admin), groupOperations(admin)} {
		for name, operation := range table {
			operations[name] = operation
		}
	}
	RunSteps(args.Steps, operations)
}

func topicOperations(admin *kadm.Client) map[string]operation {
	ctx := context.Background()
	return map[string]operation{
		"create-topics": func(step Step) (any, error) {
			for _, topic := range step.NewTopics() {
				configs := map[string]*string{}
				for name, value := range topic.Configs {
					configs[name] = kadm.StringPtr(value)
				}
				if _, err := admin.CreateTopic(ctx, topic.Partitions, 1, configs, topic.Name); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		"delete-topics": func(step Step) (any, error) {
			deleted, err := admin.DeleteTopics(ctx, step.TopicNames()...)
			return nil, cmp.Or(err, deleted.Error())
		},
		"list-topics": func(Step) (any, error) {
			topics, err := admin.ListTopics(ctx)
			return topics.Names(), err
		},
		"describe-topic": func(step Step) (any, error) {
			topics, err := admin.ListTopics(ctx, step.Topic)
			if err := cmp.Or(err, topics.Error()); err != nil {
				return nil, err
			}
			partitions := []PartitionInfo{}
			for _, p := range topics[step.Topic].Partitions.Sorted() {
				partitions = append(partitions, PartitionInfo{p.Partition, p.Leader, p.Replicas, p.ISR})
			}
			return partitions, nil
		},
		"topic-id": func(step Step) (any, error) {
			topics, err := admin.ListTopics(ctx, step.Topic)
			return topics[step.Topic].ID.String(), cmp.Or(err, topics.Error())
		},
		"create-partitions": func(step Step) (any, error) {
			changed, err := admin.UpdatePartitions(ctx, step.Count, step.Topic)
			return nil, cmp.Or(err, changed.Error())
		},
		"describe-cluster": func(Step) (any, error) {
			metadata, err := admin.BrokerMetadata(ctx)
			nodes := []Node{}
			for _, broker := range metadata.Brokers {
				nodes = append(nodes, Node{broker.NodeID, broker.Host, broker.Port})
			}
			return Object{"id": metadata.Cluster, "controller": metadata.Controller, "brokers": nodes}, err
		},
		"describe-log-dirs": func(step Step) (any, error) {
			topics, err := admin.ListTopics(ctx, step.Topic)
			if err != nil {
				return nil, err
			}
			dirs, err := admin.DescribeAllLogDirs(ctx, topics.TopicsSet())
			sizes := map[int32]int64{}
			dirs.Each(func(dir kadm.DescribedLogDir) {
				dir.Topics.Each(func(p kadm.DescribedLogDirPartition) { sizes[p.Partition] = p.Size })
			})
			return sizes, err
		},
	}
}

func configOperations(admin *kadm.Client) map[string]operation {
	ctx := context.Background()
	sets := func(step Step) (changes []kadm.AlterConfig) {
		for name, value := range step.Set {
			changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: kadm.StringPtr(value)})
		}
		return changes
	}
	firstError := func(responses kadm.AlterConfigsResponses, err error) (any, error) {
		for _, response := range responses {
			err = cmp.Or(err, response.Err)
		}
		return nil, err
	}
	return map[string]operation{
		"describe-configs": func(step Step) (any, error) {
			describe := func() (kadm.ResourceConfigs, error) { return admin.DescribeTopicConfigs(ctx, step.Name) }
			if step.Type == "broker" {
				id, err := strconv.ParseInt(step.Name, 10, 32)
				Check(err)
				describe = func() (kadm.ResourceConfigs, error) { return admin.DescribeBrokerConfigs(ctx, int32(id)) }
			}
			resources, err := describe()
			if err != nil {
				return nil, err
			}
			resource, err := resources.On(step.Name, nil)
			values := Object{}
			for _, config := range resource.Configs {
				if slices.Contains(step.Keys, config.Key) {
					values[config.Key] = config.Value
				}
			}
			return values, cmp.Or(err, resource.Err)
		},
		"alter-configs": func(step Step) (any, error) {
			changes := sets(step)
			for _, name := range step.Remove {
				changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
			}
			return firstError(admin.AlterTopicConfigs(ctx, changes, step.Topic))
		},
		"replace-configs": func(step Step) (any, error) {
			return firstError(admin.AlterTopicConfigsState(ctx, sets(step), step.Topic))
		},
	}
}

func offsetOperations(admin *kadm.Client) map[string]operation {
	ctx := context.Background()
	return map[string]operation{
		"list-offsets": func(step Step) (any, error) {
			var (
				found kadm.ListedOffsets
				err   error
			)
			switch at := step.At.(type) {
			case float64:
				found, err = admin.ListOffsetsAfterMilli(ctx, int64(at), step.Topic)
			case string:
				list := map[string]func(context.Context, ...string) (kadm.ListedOffsets, error){
					"earliest": admin.ListStartOffsets, "latest": admin.ListEndOffsets, "max-timestamp": admin.ListMaxTimestampOffsets,
				}
				found, err = list[at](ctx, step.Topic)
			}
			offsets := map[int32]int64{}
			found.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
			return offsets, cmp.Or(err, found.Error())
		},
		"delete-records": func(step Step) (any, error) {
			deleted, err := admin.DeleteRecords(ctx, offsetsOf(step))
			marks := map[int32]int64{}
			deleted.Each(func(d kadm.DeleteRecordsResponse) { marks[d.Partition] = d.LowWatermark })
			return marks, cmp.Or(err, deleted.Error())
		},
	}
}

func offsetsOf(step Step) kadm.Offsets {
	offsets := kadm.Offsets{}
	for partition, offset := range step.Offsets {
		offsets.AddOffset(step.Topic, partition, offset, -1)
	}
	return offsets
}

func groupOperations(admin *kadm.Client) map[string]operation {
	ctx := context.Background()
	return map[string]operation{
		"list-groups": func(Step) (any, error) {
			groups, err := admin.ListGroups(ctx)
			return groups.Groups(), err
		},
		"describe-group": func(step Step) (any, error) {
			groups, err := admin.DescribeGroups(ctx, step.Group)
			group := groups[step.Group]
			return Object{"state": group.State, "members": len(group.Members)}, cmp.Or(err, groups.Error())
		},
		"group-offsets": func(step Step) (any, error) {
			committed, err := admin.FetchOffsets(ctx, step.Group)
			offsets := map[int32]int64{}
			for partition, offset := range committed[step.Topic] {
				offsets[partition] = offset.At
			}
			return offsets, cmp.Or(err, committed.Error())
		},
		"set-group-offsets": func(step Step) (any, error) {
			return nil, admin.CommitAllOffsets(ctx, step.Group, offsetsOf(step))
		},
		"delete-group-offsets": func(step Step) (any, error) {
			set := kadm.TopicsSet{}
			set.Add(step.Topic, step.Partitions...)
			deleted, err := admin.DeleteOffsets(ctx, step.Group, set)
			return nil, cmp.Or(err, deleted.Error())
		},
		"delete-groups": func(step Step) (any, error) {
			deleted, err := admin.DeleteGroups(ctx, step.Groups...)
			return nil, cmp.Or(err, deleted.Error())
		},
	}
}
