// Package vocabulary is what the Go client programs share: called as `PROGRAM COMMAND ARGS_JSON`, they answer with
// JSON lines. The words are described in ../../README.md; the same ones are spoken in JavaScript, Python and Java.
package vocabulary

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// Header is [name, value] in JSON; a nil value is null.
type Header struct {
	Name  string
	Value []byte
}

func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal([]any{h.Name, h.Value}) }

func (h *Header) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&h.Name, &h.Value})
}

// Record is one to send, or (with its place) one that was read. encoding/json writes []byte as base64 and nil as null.
type Record struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

// Batch says how one copy of the records is to be sent.
type Batch struct {
	Topic      string
	Codec      string
	Acks       int
	Idempotent bool
}

// Placed tells where a record went, as the broker acknowledged it.
type Placed struct {
	Topic     string `json:"topic"`
	Index     int    `json:"index"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Args is the union of what the commands take.
type Args struct {
	Bootstrap string
	Batches   []Batch
	Records   string
	Topics    []string
	Count     int
	Group     string
	Topic     string
	SessionMs int
	Protocol  string
	Steps     []Step
	Isolation string
	// Of `transact` and `transform`.
	TransactionalID string `json:"transactionalId"`
	TimeoutMs       int
	Input           string
	Output          string
	// Of `load` and `verify`.
	Partitions int32
	Seconds    float64
	Acks       string
}

// Step is the union of what the operations of `admin` take.
type Step struct {
	Op         string
	Topics     json.RawMessage
	Topic      string
	Count      int
	Type       string
	Name       string
	Keys       []string
	Set        map[string]string
	Remove     []string
	At         any
	Offsets    map[int32]int64
	Partitions []int32
	Group      string
	Groups     []string
}

// NewTopic is one entry of `create-topics`.
type NewTopic struct {
	Name       string
	Partitions int32
	Configs    map[string]string
}

func (s Step) NewTopics() (topics []NewTopic) {
	Check(json.Unmarshal(s.Topics, &topics))
	return topics
}

func (s Step) TopicNames() (names []string) {
	Check(json.Unmarshal(s.Topics, &names))
	return names
}

// PartitionInfo is one entry of what `describe-topic` answers.
type PartitionInfo struct {
	Partition int32   `json:"partition"`
	Leader    int32   `json:"leader"`
	Replicas  []int32 `json:"replicas"`
	Isr       []int32 `json:"isr"`
}

// Node is one broker in what `describe-cluster` answers.
type Node struct {
	ID   int32  `json:"id"`
	Host string `json:"host"`
	Port int32  `json:"port"`
}

type Object = map[string]any

var (
	out     = bufio.NewWriter(os.Stdout)
	outLock sync.Mutex
)

// Emit prints one JSON line.
func Emit(value any) {
	outLock.Lock()
	defer outLock.Unlock()
	text, err := json.Marshal(value)
	Check(err)
	out.Write(append(text, '\n'))
	out.Flush()
}

// Check ends the process when there is an error that nothing in the vocabulary can express.
func Check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ReadRecords reads the records to send.
func ReadRecords(path string) (records []Record) {
	file, err := os.Open(path)
	Check(err)
	defer file.Close()
	for decoder := json.NewDecoder(file); decoder.More(); {
		var record Record
		Check(decoder.Decode(&record))
		records = append(records, record)
	}
	return records
}

// Lacking is the error of an operation of `admin` that its client has only in part.
type Lacking string

func (l Lacking) Error() string { return string(l) }

// RunSteps runs each step of `admin`; a broker's error is an answer, not a failure of the program.
func RunSteps(steps []Step, operations map[string]func(Step) (any, error)) {
	for _, step := range steps {
		operation, ok := operations[step.Op]
		if !ok {
			Emit(Object{"op": step.Op, "lacks": "this client has no such call"})
			continue
		}
		result, err := operation(step)
		if lack, ok := err.(Lacking); ok {
			Emit(Object{"op": step.Op, "lacks": lack.Error()})
		} else if err != nil {
			Emit(Object{"op": step.Op, "error": err.Error()})
		} else {
			Emit(Object{"op": step.Op, "result": result})
		}
	}
}

// Main picks the command and runs it.
func Main(commands map[string]func(Args)) {
	command, ok := commands[os.Args[1]]
	if !ok {
		Check(fmt.Errorf("no command %s", os.Args[1]))
	}
	var args Args
	Check(json.Unmarshal([]byte(os.Args[2]), &args))
	command(args)
}
