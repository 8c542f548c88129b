package pmqtt_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"pmqtt"
)

// A handler may wait for outcomes of its client, even if the queue is full.
func TestSyncCallsInHandler(t *testing.T) {
	const messages = 50
	client := connect(t, pmqtt.Options{MaxPendingBytes: 1})
	done := make(chan bool, messages)
	subscribe(t, client, "call/in", 1, func(m *pmqtt.Message) {
		publish(t, client, "call/out", string(m.Payload), 2)
		_, err := client.Subscribe(contextOf(t), "call/more", 1, nil)
		must(t, err)
		must(t, client.Unsubscribe(contextOf(t), "call/more"))
		done <- true
	})
	for i := 0; i < messages; i++ {
		must(t, client.PublishAsync("call/in", nil, 1, false).Err())
	}
	for i := 0; i < messages; i++ {
		receive(t, done)
	}
}

func TestCloseInHandler(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	closed := make(chan error, 1)
	subscribe(t, client, "close/in", 1, func(*pmqtt.Message) { closed <- client.Close() })
	must(t, client.PublishAsync("close/in", nil, 1, false).Err())
	must(t, receive(t, closed))
}

func TestOrder(t *testing.T) {
	const messages = 10_000
	client := connect(t, pmqtt.Options{})
	var next atomic.Int64
	all := make(chan bool)
	subscribe(t, client, "order", 1, func(m *pmqtt.Message) {
		if want := fmt.Sprint(next.Load()); string(m.Payload) != want {
			t.Errorf("%s, not %s", m.Payload, want)
		}
		if next.Add(1) == messages {
			close(all)
		}
	})
	for i := 0; i < messages; i++ {
		must(t, client.PublishAsync("order", []byte(fmt.Sprint(i)), 1, false).Err())
	}
	isClosed(t, all)
}

// A slow handler slows the broker down, and no message is lost.
func TestBackPressure(t *testing.T) {
	const messages, size = 5000, 10_000
	var handled atomic.Int64
	goOn := make(chan bool)
	receiver := connect(t, pmqtt.Options{MaxPendingBytes: 50 * size})
	subscribe(t, receiver, "pressure", 0, func(m *pmqtt.Message) {
		<-goOn
		handled.Add(1)
	})
	sender := connect(t, pmqtt.Options{})
	for i := 0; i < messages; i++ {
		must(t, sender.PublishAsync("pressure", make([]byte, size), 0, false).Err())
	}
	must(t, sender.Drain(contextOf(t)))
	eventually(t, "the queue is full", func() bool { return receiver.Stats().MessagesIn >= 50 })
	if came := receiver.Stats().MessagesIn; came > messages/2 {
		t.Fatalf("%d of %d messages are in memory", came, messages)
	}
	close(goOn)
	eventually(t, "all are handled", func() bool { return handled.Load() == messages })
	if dropped := receiver.Stats().DroppedIn; dropped != 0 {
		t.Fatalf("%d messages were dropped", dropped)
	}
}

// While an outcome is due, the client reads on, and counts the messages that it drops.
func TestDropsAreCounted(t *testing.T) {
	const messages = 1000
	var handled atomic.Int64
	goOn := make(chan bool)
	client := connect(t, pmqtt.Options{MaxPendingBytes: 10_000})
	subscribe(t, client, "drop", 0, func(*pmqtt.Message) {
		<-goOn
		handled.Add(1)
	})
	for i := 0; i < messages; i++ {
		must(t, client.PublishAsync("drop", make([]byte, 1000), 0, false).Err())
	}
	publish(t, client, "barrier", "", 1) // so that it goes on to the end
	dropped := func() int64 { return int64(client.Stats().DroppedIn) }
	eventually(t, "some are dropped", func() bool { return dropped() > 0 })
	close(goOn)
	eventually(t, "each is handled or counted", func() bool { return handled.Load()+dropped() == messages })
}

// The environment variable with the broker's address for the program that TestPanicInHandler runs, and that panics.
const panicsAt = "PMQTT_TEST_PANIC"

// A panic of a handler ends the program like any other panic, and shows the handler.
func TestPanicInHandler(t *testing.T) {
	if os.Getenv(panicsAt) != "" {
		client := connect(t, pmqtt.Options{})
		subscribe(t, client, "panic", 1, panickingHandler)
		client.Publish(context.Background(), "panic", nil, 1, false)
		select {}
	}
	program := exec.Command(os.Args[0], "-test.run=^TestPanicInHandler$")
	program.Env = append(os.Environ(), panicsAt+"="+broker)
	out, err := program.CombinedOutput()
	if err == nil {
		t.Fatal("it did not panic")
	}
	for _, want := range []string{"panic: of the handler", "panickingHandler", "handler_test.go"} {
		if !strings.Contains(string(out), want) {
			t.Fatalf("%s is not in:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "SIG") || strings.Contains(string(out), "_cgoexp") {
		t.Fatalf("C is in between:\n%s", out)
	}
}

func panickingHandler(*pmqtt.Message) { panic("of the handler") }
