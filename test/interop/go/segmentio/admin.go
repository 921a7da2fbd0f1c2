package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/segmentio/kafka-go"

	. "interop/vocabulary"
)

type operation = func(Step) (any, error)

func admin(args Args) {
	client := &kafka.Client{Addr: kafka.TCP(args.Bootstrap)}
	operations := map[string]operation{}
	for _, table := range []map[string]operation{topicOperations(client), configOperations(client), groupOperations(client)} {
		for name, operation := range table {
			operations[name] = operation
		}
	}
	RunSteps(args.Steps, operations)
}

// anyError is the request's own error, or the first of those that its parts came back with.
func anyError[K comparable](err error, parts map[K]error) error {
	for _, part := range parts {
		err = cmp.Or(err, part)
	}
	return err
}

func partitionsOf(client *kafka.Client, topic string) ([]kafka.Partition, error) {
	metadata, err := client.Metadata(context.Background(), &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	partitions := metadata.Topics[0].Partitions
	slices.SortFunc(partitions, func(a, b kafka.Partition) int { return a.ID - b.ID })
	return partitions, metadata.Topics[0].Error
}

func ids(brokers []kafka.Broker) (list []int32) {
	for _, broker := range brokers {
		list = append(list, int32(broker.ID))
	}
	return list
}

func topicOperations(client *kafka.Client) map[string]operation {
	ctx := context.Background()
	return map[string]operation{
		"create-topics": func(step Step) (any, error) {
			request := &kafka.CreateTopicsRequest{}
			for _, topic := range step.NewTopics() {
				config := kafka.TopicConfig{Topic: topic.Name, NumPartitions: int(topic.Partitions), ReplicationFactor: 1}
				for name, value := range topic.Configs {
					config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
				}
				request.Topics = append(request.Topics, config)
			}
			response, err := client.CreateTopics(ctx, request)
			if err != nil {
				return nil, err
			}
			return nil, anyError(nil, response.Errors)
		},
		"delete-topics": func(step Step) (any, error) {
			response, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: step.TopicNames()})
			if err != nil {
				return nil, err
			}
			return nil, anyError(nil, response.Errors)
		},
		"list-topics": func(Step) (any, error) {
			metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
			if err != nil {
				return nil, err
			}
			names := []string{}
			for _, topic := range metadata.Topics {
				if !topic.Internal {
					names = append(names, topic.Name)
				}
			}
			slices.Sort(names)
			return names, nil
		},
		"describe-topic": func(step Step) (any, error) {
			partitions, err := partitionsOf(client, step.Topic)
			list := []PartitionInfo{}
			for _, p := range partitions {
				list = append(list, PartitionInfo{int32(p.ID), int32(p.Leader.ID), ids(p.Replicas), ids(p.Isr)})
			}
			return list, err
		},
		"create-partitions": func(step Step) (any, error) {
			topics := []kafka.TopicPartitionsConfig{{Name: step.Topic, Count: int32(step.Count)}}
			response, err := client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: topics})
			if err != nil {
				return nil, err
			}
			return nil, anyError(nil, response.Errors)
		},
		"list-offsets": func(step Step) (any, error) {
			return listOffsets(client, step)
		},
		"describe-cluster": func(Step) (any, error) {
			metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
			if err != nil {
				return nil, err
			}
			nodes := []Node{}
			for _, broker := range metadata.Brokers {
				nodes = append(nodes, Node{int32(broker.ID), broker.Host, int32(broker.Port)})
			}
			return Object{"id": metadata.ClusterID, "controller": metadata.Controller.ID, "brokers": nodes}, nil
		},
	}
}

func listOffsets(client *kafka.Client, step Step) (any, error) {
	partitions, err := partitionsOf(client, step.Topic)
	if err != nil {
		return nil, err
	}
	requests := []kafka.OffsetRequest{}
	for _, p := range partitions {
		if step.At == "max-timestamp" {
			return nil, Lacking("it asks with a version that has no such word")
		}
		timestamp := map[any]int64{"earliest": kafka.FirstOffset, "latest": kafka.LastOffset}[step.At]
		if at, ok := step.At.(float64); ok {
			timestamp = int64(at)
		}
		requests = append(requests, kafka.OffsetRequest{Partition: p.ID, Timestamp: timestamp})
	}
	response, err := client.ListOffsets(context.Background(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{step.Topic: requests}})
	if err != nil {
		return nil, err
	}
	offsets := map[int]int64{}
	for _, found := range response.Topics[step.Topic] {
		err = cmp.Or(err, found.Error)
		switch step.At {
		case "earliest":
			offsets[found.Partition] = found.FirstOffset
		case "latest":
			offsets[found.Partition] = found.LastOffset
		default:
			for offset := range found.Offsets {
				offsets[found.Partition] = offset
			}
		}
	}
	return offsets, err
}

func configOperations(client *kafka.Client) map[string]operation {
	ctx := context.Background()
	return map[string]operation{
		"describe-configs": func(step Step) (any, error) {
			kind := map[string]kafka.ResourceType{"topic": kafka.ResourceTypeTopic, "broker": kafka.ResourceTypeBroker}[step.Type]
			resource := kafka.DescribeConfigRequestResource{ResourceType: kind, ResourceName: step.Name, ConfigNames: step.Keys}
			response, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{resource}})
			if err != nil {
				return nil, err
			}
			values := map[string]string{}
			for _, entry := range response.Resources[0].ConfigEntries {
				values[entry.ConfigName] = entry.ConfigValue
			}
			return values, response.Resources[0].Error
		},
		"alter-configs": func(step Step) (any, error) {
			changes := []kafka.IncrementalAlterConfigsRequestConfig{}
			for name, value := range step.Set {
				changes = append(changes, kafka.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet})
			}
			for _, name := range step.Remove {
				changes = append(changes, kafka.IncrementalAlterConfigsRequestConfig{Name: name, ConfigOperation: kafka.ConfigOperationDelete})
			}
			resource := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: step.Topic, Configs: changes}
			response, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{resource}})
			if err != nil {
				return nil, err
			}
			return nil, response.Resources[0].Error
		},
		"replace-configs": func(step Step) (any, error) {
			resource := kafka.AlterConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: step.Topic}
			for name, value := range step.Set {
				resource.Configs = append(resource.Configs, kafka.AlterConfigRequestConfig{Name: name, Value: value})
			}
			response, err := client.AlterConfigs(ctx, &kafka.AlterConfigsRequest{Resources: []kafka.AlterConfigRequestResource{resource}})
			if err != nil {
				return nil, err
			}
			return nil, anyError(nil, response.Errors)
		},
	}
}

func groupOperations(client *kafka.Client) map[string]operation {
	ctx := context.Background()
	return map[string]operation{
		"list-groups": func(Step) (any, error) {
			response, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
			if err != nil {
				return nil, err
			}
			names := []string{}
			for _, group := range response.Groups {
				names = append(names, group.GroupID)
			}
			slices.Sort(names)
			return names, response.Error
		},
		"describe-group": func(step Step) (any, error) {
			response, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{step.Group}})
			if err != nil {
				return nil, err
			}
			group := response.Groups[0]
			return Object{"state": group.GroupState, "members": len(group.Members)}, group.Error
		},
		"group-offsets": func(step Step) (any, error) {
			partitions, err := partitionsOf(client, step.Topic)
			if err != nil {
				return nil, err
			}
			wanted := []int{}
			for _, p := range partitions {
				wanted = append(wanted, p.ID)
			}
			response, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: step.Group, Topics: map[string][]int{step.Topic: wanted}})
			if err != nil {
				return nil, err
			}
			offsets := map[int]int64{}
			for _, p := range response.Topics[step.Topic] {
				err = cmp.Or(err, p.Error)
				if p.CommittedOffset >= 0 {
					offsets[p.Partition] = p.CommittedOffset
				}
			}
			return offsets, cmp.Or(err, response.Error)
		},
		"set-group-offsets": func(step Step) (any, error) {
			commits := []kafka.OffsetCommit{}
			for partition, offset := range step.Offsets {
				commits = append(commits, kafka.OffsetCommit{Partition: int(partition), Offset: offset})
			}
			request := &kafka.OffsetCommitRequest{GroupID: step.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{step.Topic: commits}}
			response, err := client.OffsetCommit(ctx, request)
			if err != nil {
				return nil, err
			}
			for _, p := range response.Topics[step.Topic] {
				err = cmp.Or(err, p.Error)
			}
			return nil, err
		},
		"delete-group-offsets": func(step Step) (any, error) {
			wanted := []int{}
			for _, partition := range step.Partitions {
				wanted = append(wanted, int(partition))
			}
			response, err := client.OffsetDelete(ctx, &kafka.OffsetDeleteRequest{GroupID: step.Group, Topics: map[string][]int{step.Topic: wanted}})
			if err != nil {
				return nil, err
			}
			for _, p := range response.Topics[step.Topic] {
				err = cmp.Or(err, p.Error)
			}
			return nil, cmp.Or(err, response.Error)
		},
		"delete-groups": func(step Step) (any, error) {
			response, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: step.Groups})
			if err != nil {
				return nil, err
			}
			return nil, errors.Join(anyError(nil, response.Errors))
		},
	}
}
