package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	. "interop/vocabulary"
)

type transactStep struct {
	Op     string
	Topic  string
	Values []string
}

// transact runs steps that come one a line, so that others can act between them.
func transact(args Args) {
	client := connect(args.Bootstrap,
		kgo.TransactionalID(args.TransactionalID),
		kgo.TransactionTimeout(time.Duration(args.TimeoutMs)*time.Millisecond))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var step transactStep
		Check(json.Unmarshal(lines.Bytes(), &step))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := runStep(ctx, client, step); err != nil {
			Emit(Object{"op": step.Op, "error": err.Error()})
		} else {
			Emit(Object{"op": step.Op})
		}
		cancel()
	}
	// Whatever is open stays so.
	os.Exit(0)
}

func runStep(ctx context.Context, client *kgo.Client, step transactStep) error {
	switch step.Op {
	case "init":
		_, _, err := client.ProducerID(ctx)
		return err
	case "begin":
		return client.BeginTransaction()
	case "send":
		records := []*kgo.Record{}
		for _, value := range step.Values {
			records = append(records, &kgo.Record{Topic: step.Topic, Value: []byte(value)})
		}
		return client.ProduceSync(ctx, records...).FirstErr()
	case "commit":
		return client.EndTransaction(ctx, kgo.TryCommit)
	default:
		return client.EndTransaction(ctx, kgo.TryAbort)
	}
}

// transform reads, changes and writes each record exactly once, whenever it is killed.
func transform(args Args) {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(args.Bootstrap),
		kgo.ClientID("franz-go"),
		kgo.TransactionalID(args.TransactionalID),
		kgo.TransactionTimeout(time.Duration(args.TimeoutMs)*time.Millisecond),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumerGroup(args.Group),
		kgo.ConsumeTopics(args.Input),
		kgo.SessionTimeout(time.Duration(args.SessionMs)*time.Millisecond),
		kgo.HeartbeatInterval(time.Duration(args.SessionMs/10)*time.Millisecond),
		kgo.FetchMaxWait(200*time.Millisecond),
		kgo.RequireStableFetchOffsets(),
	)
	Check(err)
	ctx := context.Background()
	// Aborts what one that was killed left open: until then the group's offsets can't be read.
	_, _, err = session.Client().ProducerID(ctx)
	Check(err)
	for {
		fetches := session.PollRecords(ctx, args.Count)
		Check(fetches.Err())
		if fetches.NumRecords() == 0 {
			continue
		}
		Check(session.Begin())
		fetches.EachRecord(func(r *kgo.Record) {
			session.Produce(ctx, &kgo.Record{Topic: args.Output, Value: append(r.Value, '!')}, nil)
		})
		Check(session.Client().Flush(ctx))
		Emit(Object{"event": "sent", "count": fetches.NumRecords()})
		committed, err := session.End(ctx, kgo.TryCommit)
		Check(err)
		if committed {
			Emit(Object{"event": "committed", "count": fetches.NumRecords()})
		}
	}
}
