package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// A broker loses its session between PUBREC and PUBCOMP, and the program gets ErrInDoubt.
func TestInDoubt(t *testing.T) {
	var releases atomic.Int32
	broker := serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		switch {
		case kind == packetPublish:
			conn.Write([]byte{0x50, 2, body[3], body[4]})
		case kind == packetPubRel && releases.Add(1) == 1:
			conn.Close()
		case kind == packetPubRel:
			conn.Write([]byte{0x70, 2, body[0], body[1]})
		}
	}))
	client := connect(t, pmqtt.Options{Broker: broker})
	if err := client.Publish(contextOf(t), "a", nil, 2, false); !errors.Is(err, pmqtt.ErrInDoubt) {
		t.Fatal(err)
	}
	must(t, client.Drain(contextOf(t)))
}

// With a broker that never acknowledges, the context ends the wait, but not the message.
func TestContextEndsPublish(t *testing.T) {
	published := make(chan bool, 10)
	answers := make(chan bool)
	client := connect(t, pmqtt.Options{Broker: serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		if kind == packetPublish {
			published <- true
			<-answers
			conn.Write([]byte{0x40, 2, body[3], body[4]})
		}
	}))})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		receive(t, published)
		cancel()
	}()
	atOnce(t, func() {
		if err := client.Publish(ctx, "a", nil, 1, false); err != context.Canceled {
			t.Fatal(err)
		}
		if err := client.Publish(ctx, "a", nil, 1, false); err != context.Canceled {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := client.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) || !contains(err.Error(), "1 message") {
			t.Fatal(err)
		}
	})
	if left := client.Stats().Unsettled; left != 1 {
		t.Fatalf("%d messages are under way", left)
	}
	close(answers)
	must(t, client.Drain(contextOf(t)))
}

// Each accepted message has an outcome, also if the connection is lost.
func TestOutcomesAcrossLostConnections(t *testing.T) {
	relay := startRelay(t, broker)
	client := connect(t, pmqtt.Options{Broker: relay.address(), ReconnectMin: time.Second, ReconnectMax: time.Second})
	var tokens []*pmqtt.Token
	for i := 0; i < 3000; i++ {
		if i == 1000 || i == 2000 {
			relay.cut()
		}
		tokens = append(tokens, client.PublishAsync("across", nil, pmqtt.QoS(i%3), false))
	}
	for i, token := range tokens {
		err := token.Wait(contextOf(t))
		lost := errors.Is(err, pmqtt.ErrConnLost) || errors.Is(err, pmqtt.ErrNotConnected)
		doubtful := errors.Is(err, pmqtt.ErrInDoubt)
		if err != nil && !(i%3 == 0 && lost) && !(i%3 == 2 && doubtful) {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

func TestFullQueue(t *testing.T) {
	writable := make(chan bool, 10)
	client := create(t, pmqtt.Options{MaxQueuedMessages: 1, OnWritable: func() { writable <- true }})
	first := client.PublishAsync("full", nil, 1, false)
	must(t, first.Err())
	if err := client.PublishAsync("full", nil, 1, false).Err(); !errors.Is(err, pmqtt.ErrQueueFull) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := client.Publish(ctx, "full", nil, 1, false); err != context.DeadlineExceeded {
		t.Fatal(err)
	}
	waiting := make(chan error, 10)
	for i := 0; i < 10; i++ {
		go func() { waiting <- client.Publish(contextOf(t), "full", nil, 1, false) }()
	}
	must(t, client.Connect(contextOf(t)))
	must(t, first.Wait(contextOf(t)))
	for i := 0; i < 10; i++ {
		must(t, receive(t, waiting))
	}
	receive(t, writable)
}

func TestDrained(t *testing.T) {
	drained := make(chan bool, 10)
	client := create(t, pmqtt.Options{OnDrained: func() { drained <- true }})
	// They wait for the connection, so that all of them are unsettled at once.
	tokens := make([]*pmqtt.Token, 30)
	for i := range tokens {
		tokens[i] = client.PublishAsync("drained", nil, 1+pmqtt.QoS(i%2), false)
	}
	must(t, client.Connect(contextOf(t)))
	receive(t, drained)
	for i, token := range tokens {
		select {
		case <-token.Done():
			must(t, token.Err())
		default:
			t.Fatalf("message %d is not settled", i)
		}
	}
	must(t, client.Publish(contextOf(t), "drained", nil, 1, false))
	receive(t, drained)
	if len(drained) > 0 {
		t.Fatal("drained more than once")
	}
}

func TestBadPublish(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	for _, bad := range []struct {
		topic   string
		payload []byte
		qos     pmqtt.QoS
		want    error
	}{
		{"", nil, 0, pmqtt.ErrInvalid},
		{"a/+", nil, 1, pmqtt.ErrInvalid},
		{"a\x00b", nil, 1, pmqtt.ErrInvalid},
		{"\xff", nil, 1, pmqtt.ErrInvalid},
		{"a", nil, 3, pmqtt.ErrInvalid},
		{"a", make([]byte, 1<<28), 1, pmqtt.ErrPayloadTooLarge},
	} {
		if err := client.Publish(contextOf(t), bad.topic, bad.payload, bad.qos, false); !errors.Is(err, bad.want) {
			t.Errorf("%q, QoS %d: %v", bad.topic, bad.qos, err)
		}
	}
}

// OnDrained follows the handlers of messages that came before.
func TestDrainedAfterMessages(t *testing.T) {
	address := serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		switch kind {
		case packetSubscribe:
			conn.Write(subAck(body, 0))
		case packetPublish:
			conn.Write(append(message("in", 0), 0x40, 2, body[5], body[6])) // its PUBACK
		}
	}))
	told := make(chan string, 10)
	client := connect(t, pmqtt.Options{Broker: address, OnDrained: func() { told <- "drained" }})
	subscribe(t, client, "in", 0, func(*pmqtt.Message) { told <- "message" })
	publish(t, client, "out", "", 1)
	for _, want := range []string{"drained", "message", "drained"} {
		if got := receive(t, told); got != want {
			t.Fatalf("%s, not %s", got, want)
		}
	}
}
