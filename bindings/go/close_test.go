package pmqtt_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"pmqtt"
)

// Close while many goroutines publish, subscribe and receive: nothing crashes, each call returns, and no goroutine,
// thread or file is left.
func TestCloseUnderLoad(t *testing.T) {
	round := func() {
		client := connect(t, pmqtt.Options{})
		messages, err := client.SubscribeChan(contextOf(t), "load/#", 1, 1)
		must(t, err)
		subscribe(t, client, "load/+", 2, func(m *pmqtt.Message) {})
		var all sync.WaitGroup
		all.Add(21)
		for g := 0; g < 20; g++ {
			go func(qos pmqtt.QoS) {
				defer all.Done()
				for {
					switch err := client.Publish(context.Background(), "load/a", make([]byte, 1000), qos, false); {
					case err == pmqtt.ErrClosed:
						return
					case errors.Is(err, pmqtt.ErrConnLost) || errors.Is(err, pmqtt.ErrNotConnected):
						// Close came between the two calls.
					case err != nil:
						t.Error(err)
						return
					}
				}
			}(pmqtt.QoS(g % 3))
		}
		go func() {
			defer all.Done()
			for range messages {
			}
		}()
		eventually(t, "messages go round", func() bool { return client.Stats().MessagesIn > 100 })
		atOnce(t, func() { must(t, client.Close()) })
		all.Wait()
	}
	round()
	goroutines, threads, files := runtime.NumGoroutine(), held(t), count(t, "/proc/self/fd")
	for i := 0; i < 20; i++ {
		round()
	}
	eventually(t, "no goroutine stays", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "no descriptor stays", func() bool { return count(t, "/proc/self/fd") <= files })
	eventually(t, "no thread stays", func() bool { return held(t) <= threads })
}

// Neither a client nor a message needs a thread.
func TestThreadsStayFlat(t *testing.T) {
	const clients, each = 200, 50
	all := make([]*pmqtt.Client, clients)
	came := make(chan *pmqtt.Message, clients*each)
	connectAll := func() {
		for i := range all {
			all[i] = connect(t, pmqtt.Options{})
			subscribe(t, all[i], "flat", 1, func(m *pmqtt.Message) { came <- m })
		}
	}
	publish(t, connect(t, pmqtt.Options{}), "warm/up", "", 1)
	goroutines, threads := runtime.NumGoroutine(), held(t)
	connectAll()
	tokens := make([]*pmqtt.Token, each)
	for i := range tokens {
		tokens[i] = all[i].PublishAsync("flat", nil, 1, false)
	}
	if now := runtime.NumGoroutine(); now > goroutines+2*clients+5 {
		t.Errorf("%d goroutines, and %d before there were %d clients", now, goroutines, clients)
	}
	for i := 0; i < clients*each; i++ {
		receive(t, came)
	}
	for _, token := range tokens {
		must(t, token.Wait(contextOf(t)))
	}
	eventually(t, "no thread is held", func() bool { return held(t) <= threads })
	for _, client := range all {
		must(t, client.Close())
	}
	eventually(t, "no goroutine stays", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func TestUseAfterClose(t *testing.T) {
	client := connect(t, pmqtt.Options{ClientID: "go-closed"})
	must(t, client.Close())
	ctx := contextOf(t)
	_, subscribed := client.Subscribe(ctx, "a", 1, nil)
	_, channel := client.SubscribeChan(ctx, "a", 1, 1)
	for what, err := range map[string]error{
		"Connect":       client.Connect(ctx),
		"Publish":       client.Publish(ctx, "a", nil, 1, false),
		"PublishAsync":  client.PublishAsync("a", nil, 0, false).Err(),
		"Subscribe":     subscribed,
		"SubscribeChan": channel,
		"Unsubscribe":   client.Unsubscribe(ctx, "a"),
		"Drain":         client.Drain(ctx),
		"Disconnect":    client.Disconnect(ctx),
		"Close":         client.Close(),
	} {
		if err != pmqtt.ErrClosed {
			t.Errorf("%s: %v", what, err)
		}
	}
	if client.Stats() != (pmqtt.Stats{}) || client.ClientID() != "go-closed" {
		t.Error(client.Stats(), client.ClientID())
	}
}

// Each waiting call returns ErrClosed when the client is closed.
func TestCloseEndsWaiting(t *testing.T) {
	reached := make(chan bool, 10)
	client := connect(t, pmqtt.Options{MaxQueuedMessages: 1, Broker: serve(t, nil,
		accepting(func(net.Conn, byte, []byte) { reached <- true }))})
	waiting := make(chan error, 10)
	wait := func(call func() error) {
		go func() { waiting <- call() }()
	}
	wait(func() error { return client.Publish(context.Background(), "a", nil, 1, false) })
	receive(t, reached)
	wait(func() error { return client.Publish(context.Background(), "a", nil, 1, false) }) // for room
	wait(func() error { return client.Drain(context.Background()) })
	wait(func() error { _, err := client.Subscribe(context.Background(), "a", 1, nil); return err })
	receive(t, reached)
	wait(func() error { return client.Unsubscribe(context.Background(), "b") })
	receive(t, reached)
	atOnce(t, func() { must(t, client.Close()) })
	for i := 0; i < 5; i++ {
		if err := receive(t, waiting); !errors.Is(err, pmqtt.ErrClosed) && !errors.Is(err, pmqtt.ErrConnLost) {
			t.Error(err)
		}
	}
}

func TestCloseWhileConnecting(t *testing.T) {
	asked := make(chan bool, 1)
	client := create(t, pmqtt.Options{Broker: serve(t, nil, func(net.Conn, byte, []byte) { asked <- true })})
	connected := make(chan error, 1)
	go func() { connected <- client.Connect(context.Background()) }()
	receive(t, asked)
	atOnce(t, func() { must(t, client.Close()) })
	if err := receive(t, connected); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
}

// Any goroutine may close the client at any time, also at the beginning of an attempt to connect.
func TestCloseAtAnyTime(t *testing.T) {
	for i := 0; i < 100; i++ {
		client := create(t, pmqtt.Options{})
		connected := make(chan error, 1)
		go func() { connected <- client.Connect(context.Background()) }()
		time.Sleep(time.Duration(i) * 10 * time.Microsecond)
		atOnce(t, func() { must(t, client.Close()) })
		receive(t, connected)
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	return len(entries)
}

// held counts the threads of the library, and those that a goroutine holds in C or in a system call. It does not
// count the other threads of Go, which creates more of them on a busy machine, and keeps them.
func held(t *testing.T) int {
	t.Helper()
	count := 0
	names, err := filepath.Glob("/proc/self/task/*/comm")
	must(t, err)
	for _, file := range names {
		name, _ := os.ReadFile(file) // the thread may have ended
		if strings.HasPrefix(string(name), "pmqtt\n") || strings.HasPrefix(string(name), "pmqtt-") {
			count++
		}
	}
	var goroutines strings.Builder
	must(t, pprof.Lookup("goroutine").WriteTo(&goroutines, 2))
	return count + strings.Count(goroutines.String(), " [syscall")
}
