// The load for the durability scenario: records whose every byte follows from their index, a file that tells which of
// them were acknowledged and where, and a reader that compares what the broker kept with both.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	. "interop/vocabulary"
)

const valueBytes = 100

// valueOf is the index, then a pseudo-random tail that only this index has (SplitMix64).
func valueOf(index uint64) []byte {
	value := make([]byte, 8, valueBytes+8)
	binary.BigEndian.PutUint64(value, index)
	for state := index; len(value) < valueBytes; {
		state += 0x9e3779b97f4a7c15
		mixed := (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9
		mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb
		value = binary.BigEndian.AppendUint64(value, mixed^(mixed>>31))
	}
	return value[:valueBytes]
}

// load sends records 0, 1, 2, ... to partition index % partitions until `count` were sent or `seconds` have passed,
// then waits until all are acknowledged, through any restart of the broker. Acknowledgements go to the file `acks` as
// triples of index, partition and offset; progress to stdout.
func load(args Args) {
	file, err := os.Create(args.Acks)
	Check(err)
	acknowledged := bufio.NewWriterSize(file, 1<<20)
	client := connect(args.Bootstrap,
		kgo.DefaultProduceTopic(args.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(20_000),
		kgo.ProduceRequestTimeout(5*time.Second),
		kgo.RetryTimeout(90*time.Second),
		kgo.StopProducerOnDataLossDetected(),
	)
	var (
		lock    sync.Mutex
		acked   atomic.Int64
		failure atomic.Value
		sent    int
	)
	stop := progress(&acked)
	deadline := time.Now().Add(time.Duration(args.Seconds * float64(time.Second)))
	for sent < args.Count && time.Now().Before(deadline) && failure.Load() == nil {
		index := uint64(sent)
		record := &kgo.Record{Value: valueOf(index), Partition: int32(index % uint64(args.Partitions))}
		client.Produce(context.Background(), record, func(placed *kgo.Record, err error) {
			if err != nil {
				failure.CompareAndSwap(nil, err)
				return
			}
			triple := make([]byte, 0, 20)
			triple = binary.BigEndian.AppendUint64(triple, index)
			triple = binary.BigEndian.AppendUint32(triple, uint32(placed.Partition))
			triple = binary.BigEndian.AppendUint64(triple, uint64(placed.Offset))
			lock.Lock()
			defer lock.Unlock()
			acknowledged.Write(triple)
			acked.Add(1)
		})
		sent++
	}
	Check(client.Flush(context.Background()))
	stop()
	client.Close()
	Check(acknowledged.Flush())
	Check(file.Close())
	if err, ok := failure.Load().(error); ok {
		Check(err)
	}
	Emit(Object{"sent": sent, "acked": acked.Load()})
}

// progress prints the count ten times a second until the function that it returns is called.
func progress(acked *atomic.Int64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
				Emit(Object{"acked": acked.Load()})
			}
		}
	}()
	return func() { close(done); <-ended }
}

// verify reads the topic whole. Every acknowledged record has to be at its place; every record has to be one that was
// sent, to its partition, in its order, once.
func verify(args Args) {
	client := connect(args.Bootstrap, kgo.ConsumeTopics(args.Topic), kgo.FetchMaxWait(200*time.Millisecond))
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(context.Background(), args.Topic)
	Check(err)
	Check(ends.Error())
	left := int64(0)
	ends.Each(func(end kadm.ListedOffset) { left += end.Offset })
	var (
		kept     = map[int32][]uint64{}
		invented []string
		total    int
	)
	for left > 0 {
		fetches := client.PollFetches(context.Background())
		Check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			total++
			kept[r.Partition] = append(kept[r.Partition], indexOf(r))
			if problem := problemOf(r, args, kept[r.Partition]); problem != "" && len(invented) < 5 {
				invented = append(invented, fmt.Sprintf("partition %d offset %d: %s", r.Partition, r.Offset, problem))
			}
		})
	}
	acknowledged, missing := compare(args.Acks, kept)
	Emit(Object{"records": total, "acknowledged": acknowledged, "missing": missing, "wrong": invented})
}

func indexOf(r *kgo.Record) uint64 {
	if len(r.Value) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(r.Value)
}

// problemOf tells what is wrong with a record; `order` holds the indexes of its partition so far, its own last.
func problemOf(r *kgo.Record, args Args, order []uint64) string {
	index := indexOf(r)
	switch {
	case r.Offset != int64(len(order)-1):
		return "a gap in the offsets"
	case !bytes.Equal(r.Value, valueOf(index)):
		return "bytes that nobody sent"
	case int32(index%uint64(args.Partitions)) != r.Partition:
		return fmt.Sprintf("record %d belongs to another partition", index)
	case len(order) > 1 && order[len(order)-2] >= index:
		return fmt.Sprintf("record %d after record %d", index, order[len(order)-2])
	}
	return ""
}

func compare(path string, kept map[int32][]uint64) (acknowledged, missing int) {
	text, err := os.ReadFile(path)
	Check(err)
	for ; len(text) >= 20; text = text[20:] {
		index, offset := binary.BigEndian.Uint64(text), binary.BigEndian.Uint64(text[12:])
		partition := kept[int32(binary.BigEndian.Uint32(text[8:]))]
		acknowledged++
		if offset >= uint64(len(partition)) || partition[offset] != index {
			missing++
		}
	}
	return acknowledged, missing
}
