// segmentio/kafka-go, speaking the vocabulary of ../../README.md.
package main

import (
	"context"
	"errors"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"

	. "interop/vocabulary"
)

var codecs = map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

func main() {
	Main(map[string]func(Args){"produce": produce, "consume": consume, "member": member, "admin": admin})
}

func produce(args Args) {
	records := ReadRecords(args.Records)
	for _, batch := range args.Batches {
		if batch.Idempotent {
			Emit(Object{"topic": batch.Topic, "error": "kafka-go has no idempotent writer"})
		} else if err := send(args.Bootstrap, batch, records); err != nil {
			Emit(Object{"topic": batch.Topic, "error": err.Error()})
		} else {
			Emit(Object{"topic": batch.Topic, "done": len(records)})
		}
	}
}

func send(bootstrap string, batch Batch, records []Record) error {
	writer := &kafka.Writer{
		Addr:         kafka.TCP(bootstrap),
		Topic:        batch.Topic,
		Balancer:     &kafka.Hash{},
		RequiredAcks: kafka.RequiredAcks(batch.Acks),
		Compression:  codecs[batch.Codec],
		BatchTimeout: 20 * time.Millisecond,
		Completion:   report(batch),
	}
	defer writer.Close()
	messages := []kafka.Message{}
	for index, record := range records {
		message := kafka.Message{Key: record.Key, Value: record.Value, Time: time.UnixMilli(record.Timestamp), WriterData: index}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: header.Name, Value: header.Value})
		}
		messages = append(messages, message)
	}
	return writer.WriteMessages(context.Background(), messages...)
}

func report(batch Batch) func([]kafka.Message, error) {
	return func(messages []kafka.Message, err error) {
		if err != nil || batch.Acks == 0 {
			return
		}
		for _, placed := range messages {
			Emit(Placed{batch.Topic, placed.WriterData.(int), int32(placed.Partition), placed.Offset})
		}
	}
}

func reader(bootstrap, topic string, partition int) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{bootstrap}, Topic: topic, Partition: partition, MaxBytes: 10 << 20, MaxWait: 200 * time.Millisecond,
	})
}

func consume(args Args) {
	ctx, cancel := context.WithCancel(context.Background())
	client := &kafka.Client{Addr: kafka.TCP(args.Bootstrap)}
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: args.Topics})
	Check(err)
	var (
		readers sync.WaitGroup
		found   = make(chan kafka.Message)
	)
	for _, topic := range metadata.Topics {
		for _, partition := range topic.Partitions {
			readers.Go(func() { readInto(ctx, reader(args.Bootstrap, topic.Name, partition.ID), found) })
		}
	}
	for ; args.Count > 0; args.Count-- {
		m := <-found
		headers := []Header{}
		for _, header := range m.Headers {
			headers = append(headers, Header{header.Key, header.Value})
		}
		Emit(Record{m.Topic, int32(m.Partition), m.Offset, m.Time.UnixMilli(), m.Key, m.Value, headers})
	}
	cancel()
	readers.Wait()
}

func readInto(ctx context.Context, reader *kafka.Reader, found chan<- kafka.Message) {
	defer reader.Close()
	for {
		message, err := reader.ReadMessage(ctx)
		if errors.Is(err, context.Canceled) {
			return
		}
		Check(err)
		select {
		case found <- message:
		case <-ctx.Done():
			return
		}
	}
}

func member(args Args) {
	session := time.Duration(args.SessionMs) * time.Millisecond
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: args.Group, Brokers: []string{args.Bootstrap}, Topics: []string{args.Topic}, StartOffset: kafka.FirstOffset,
		SessionTimeout: session, RebalanceTimeout: 2 * session, HeartbeatInterval: session / 10, JoinGroupBackoff: 100 * time.Millisecond,
	})
	Check(err)
	for {
		generation, err := group.Next(terminated)
		if terminated.Err() != nil {
			break
		}
		if err != nil {
			continue // Next itself waits before it tries to join again
		}
		held := []int{}
		for _, assignment := range generation.Assignments[args.Topic] {
			held = append(held, assignment.ID)
			generation.Start(func(ctx context.Context) { follow(ctx, args, generation, assignment) })
		}
		Emit(Object{"event": "assigned", "partitions": held})
	}
	Check(group.Close())
}

// follow reads one partition for as long as the generation lasts, committing each record.
func follow(ctx context.Context, args Args, generation *kafka.Generation, assignment kafka.PartitionAssignment) {
	partition := reader(args.Bootstrap, args.Topic, assignment.ID)
	defer partition.Close()
	Check(partition.SetOffset(assignment.Offset))
	for {
		message, err := partition.ReadMessage(ctx)
		if err != nil {
			if ctx.Err() == nil {
				Check(err)
			}
			return
		}
		Emit(Object{"event": "record", "partition": message.Partition, "offset": message.Offset, "value": message.Value})
		// A commit that fails belongs to a generation that is over: whoever gets the partition reads this record again.
		if generation.CommitOffsets(map[string]map[int]int64{args.Topic: {assignment.ID: message.Offset + 1}}) != nil {
			return
		}
	}
}
