// franz-go, speaking the vocabulary of ../../README.md. Its load generator is in load.go.
package main

import (
	"context"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	. "interop/vocabulary"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

var acks = map[int]kgo.Acks{0: kgo.NoAck(), 1: kgo.LeaderAck(), -1: kgo.AllISRAcks()}

func main() {
	Main(map[string]func(Args){
		"produce": produce, "consume": consume, "member": member, "admin": admin, "load": load, "verify": verify,
		"transact": transact, "transform": transform,
	})
}

func connect(bootstrap string, options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap), kgo.ClientID("franz-go"))...)
	Check(err)
	return client
}

func produce(args Args) {
	for _, batch := range args.Batches {
		if err := send(args.Bootstrap, batch, ReadRecords(args.Records)); err != nil {
			Emit(Object{"topic": batch.Topic, "error": err.Error()})
		}
	}
}

func send(bootstrap string, batch Batch, records []Record) error {
	options := []kgo.Opt{
		kgo.RequiredAcks(acks[batch.Acks]),
		kgo.ProducerBatchCompression(codecs[batch.Codec]),
		kgo.ProducerLinger(20 * time.Millisecond),
	}
	if !batch.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	client := connect(bootstrap, options...)
	defer client.Close()
	var (
		lock    sync.Mutex
		failure error
	)
	for index, record := range records {
		message := &kgo.Record{Topic: batch.Topic, Key: record.Key, Value: record.Value, Timestamp: time.UnixMilli(record.Timestamp)}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		client.Produce(context.Background(), message, func(placed *kgo.Record, err error) {
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failure = err
			} else if batch.Acks != 0 {
				Emit(Placed{batch.Topic, index, placed.Partition, placed.Offset})
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		return err
	}
	if failure == nil {
		Emit(Object{"topic": batch.Topic, "done": len(records)})
	}
	return failure
}

func consume(args Args) {
	isolation := kgo.ReadUncommitted()
	if args.Isolation == "read_committed" {
		isolation = kgo.ReadCommitted()
	}
	client := connect(args.Bootstrap,
		kgo.ConsumeTopics(args.Topics...), kgo.FetchMaxWait(200*time.Millisecond), kgo.FetchIsolationLevel(isolation))
	defer client.Close()
	for args.Count > 0 {
		fetches := client.PollFetches(context.Background())
		Check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			headers := []Header{}
			for _, header := range r.Headers {
				headers = append(headers, Header{header.Key, header.Value})
			}
			Emit(Record{r.Topic, r.Partition, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, headers})
			args.Count--
		})
	}
}

func member(args Args) {
	session := time.Duration(args.SessionMs) * time.Millisecond
	held := map[int32]bool{}
	report := func() {
		partitions := []int32{}
		for partition := range held {
			partitions = append(partitions, partition)
		}
		Emit(Object{"event": "assigned", "partitions": partitions})
	}
	// The balancer is cooperative: each call brings what was added or taken, not the whole assignment.
	change := func(holds bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
			for _, partition := range changed[args.Topic] {
				if holds {
					held[partition] = true
				} else {
					delete(held, partition)
				}
			}
			report()
		}
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(args.Group),
		kgo.ConsumeTopics(args.Topic),
		kgo.SessionTimeout(session),
		kgo.RebalanceTimeout(2 * session),
		kgo.HeartbeatInterval(session / 10),
		kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(change(true)),
		kgo.OnPartitionsRevoked(change(false)),
		kgo.OnPartitionsLost(change(false)),
	}
	if args.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
	}
	client := connect(args.Bootstrap, options...)
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for terminated.Err() == nil {
		fetches := client.PollFetches(terminated)
		fetches.EachRecord(func(r *kgo.Record) {
			Emit(Object{"event": "record", "partition": r.Partition, "offset": r.Offset, "value": r.Value})
		})
		if fetches.NumRecords() > 0 {
			Check(client.CommitRecords(context.Background(), fetches.Records()...))
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
}
