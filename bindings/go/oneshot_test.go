package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"pmqtt"
)

func TestPublishOnce(t *testing.T) {
	watcher := connect(t, pmqtt.Options{})
	messages, err := watcher.SubscribeChan(contextOf(t), "once/+", 2, 10)
	must(t, err)
	options := pmqtt.Options{Broker: broker}
	must(t, pmqtt.PublishSingle(contextOf(t), options, pmqtt.Publication{Topic: "once/a", Payload: []byte("1"), QoS: 2}))
	must(t, pmqtt.PublishMultiple(contextOf(t), options, []pmqtt.Publication{
		{Topic: "once/b"}, {Topic: "once/c", Payload: []byte("kept"), QoS: 1, Retain: true}}))
	for _, want := range []string{"once/a", "once/b", "once/c"} {
		if m := receive(t, messages); m.Topic != want {
			t.Fatalf("%s, not %s", m.Topic, want)
		}
	}

	// One message is retained, and one is published now. Without retained, only the second one counts.
	for retained, want := range map[bool]string{true: "once/c", false: "once/d"} {
		got := make(chan []*pmqtt.Message, 1)
		connected := options
		subscribed := make(chan bool, 10)
		connected.OnLog = func(_ pmqtt.LogLevel, line string) {
			if contains(line, "SUBACK") {
				subscribed <- true
			}
		}
		go func() {
			messages, err := pmqtt.SubscribeSimple(contextOf(t), connected, []string{"once/c", "once/d"}, 1, 1, retained)
			if err != nil {
				t.Error(err)
			}
			got <- messages
		}()
		receive(t, subscribed)
		if !retained {
			receive(t, subscribed)
			publish(t, watcher, "once/d", "", 1)
		}
		if m := receive(t, got); len(m) != 1 || m[0].Topic != want {
			t.Fatalf("%v, not %s", m, want)
		}
	}
	must(t, watcher.Publish(contextOf(t), "once/c", nil, 1, true))
}

// More messages than the queue has room for.
func TestPublishManyOnce(t *testing.T) {
	messages := make([]pmqtt.Publication, 1000)
	for i := range messages {
		messages[i] = pmqtt.Publication{Topic: "once/many", Payload: []byte(fmt.Sprint(i)), QoS: 1}
	}
	must(t, pmqtt.PublishMultiple(contextOf(t), pmqtt.Options{Broker: broker, MaxQueuedMessages: 10}, messages))
}

func TestOneshotFailures(t *testing.T) {
	closed := &mosquitto{port: freePort()}
	message := pmqtt.Publication{Topic: "a", QoS: 1}
	if err := pmqtt.PublishSingle(contextOf(t), pmqtt.Options{Broker: closed.address()}, message); !errors.Is(err, pmqtt.ErrOS) {
		t.Error(err)
	}
	refuses := serve(t, nil, func(conn net.Conn, _ byte, _ []byte) { conn.Write(refusal) })
	if err := pmqtt.PublishSingle(contextOf(t), pmqtt.Options{Broker: refuses}, message); !errors.Is(err, pmqtt.ErrConnRefused) {
		t.Error(err)
	}
	breaks := serve(t, nil, accepting(func(conn net.Conn, _ byte, _ []byte) { conn.Close() }))
	if err := pmqtt.PublishSingle(contextOf(t), pmqtt.Options{Broker: breaks}, message); !errors.Is(err, pmqtt.ErrConnLost) {
		t.Error(err)
	}
	if err := pmqtt.PublishSingle(contextOf(t), pmqtt.Options{Broker: broker}, pmqtt.Publication{Topic: "#"}); !errors.Is(err, pmqtt.ErrInvalid) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := pmqtt.SubscribeSimple(ctx, pmqtt.Options{Broker: broker}, []string{"once/never"}, 1, 1, true); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if _, err := pmqtt.SubscribeSimple(contextOf(t), pmqtt.Options{Broker: broker}, nil, 1, 1, true); !errors.Is(err, pmqtt.ErrInvalid) {
		t.Error(err)
	}
}
