package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pmqtt"
)

func TestEachQoSArrives(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	came := make(chan *pmqtt.Message, 10)
	subscribe(t, client, "each/+", 2, func(m *pmqtt.Message) { came <- m })
	for qos := pmqtt.AtMostOnce; qos <= pmqtt.ExactlyOnce; qos++ {
		topic := fmt.Sprint("each/", qos)
		publish(t, client, topic, "payload of "+topic, qos)
		m := receive(t, came)
		if m.Topic != topic || string(m.Payload) != "payload of "+topic || m.QoS != qos || m.Retained || m.Duplicate {
			t.Fatalf("%+v", m)
		}
	}
	publish(t, client, "each/empty", "", 1)
	if m := receive(t, came); len(m.Payload) != 0 {
		t.Fatalf("%q", m.Payload)
	}
}

func TestLargePayload(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	messages, err := client.SubscribeChan(contextOf(t), "large", 1, 1)
	must(t, err)
	payload := make([]byte, 8<<20)
	for i := range payload {
		payload[i] = byte(i * i >> 8)
	}
	publish(t, client, "large", string(payload), 1)
	if m := receive(t, messages); string(m.Payload) != string(payload) {
		t.Fatal("the payload has changed")
	}
}

func TestEveryOutcomeOfManyGoroutines(t *testing.T) {
	const goroutines, each = 100, 1000
	client := connect(t, pmqtt.Options{})
	var done atomic.Int64
	var all sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < each; i++ {
				if err := client.Publish(context.Background(), "many", []byte("payload"), 1, false); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		}()
	}
	all.Wait()
	if stats := client.Stats(); done.Load() != goroutines*each || stats.MessagesOut != goroutines*each || stats.Unsettled != 0 {
		t.Fatalf("%d outcomes, %+v", done.Load(), stats)
	}
}

func TestPublishWithoutConnection(t *testing.T) {
	client := create(t, pmqtt.Options{})
	if err := client.Publish(contextOf(t), "a", nil, 0, false); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
	token := client.PublishAsync("a", nil, 1, false)
	if err := token.Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Drain(contextOf(t)); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
	must(t, client.Connect(contextOf(t)))
	must(t, client.Drain(contextOf(t)))
	select {
	case <-token.Done():
		must(t, token.Err())
	default:
		t.Fatal("drained, and a publish has no outcome")
	}
}
