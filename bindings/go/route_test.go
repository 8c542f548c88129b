package pmqtt_test

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"pmqtt"
)

// Both handlers whose filters match are called, be it for one message or for one of each filter.
func TestOverlappingFilters(t *testing.T) {
	var one, two atomic.Int64
	client := connect(t, pmqtt.Options{})
	subscribe(t, client, "overlap/a", 1, func(*pmqtt.Message) { one.Add(1) })
	subscribe(t, client, "overlap/+", 1, func(*pmqtt.Message) { two.Add(1) })
	publish(t, client, "overlap/a", "", 1)
	eventually(t, "both are called", func() bool { return one.Load() > 0 && two.Load() > 0 })
}

// The handlers of a message may end each other, and themselves.
func TestHandlersEndHandlers(t *testing.T) {
	for qos := pmqtt.AtMostOnce; qos <= pmqtt.ExactlyOnce; qos++ {
		called := make(chan string, 100)
		client := connect(t, pmqtt.Options{})
		own := func(filter string) string { return fmt.Sprint("end/", qos, "/", filter) }
		// What a handler does with the first message; the broker may send one for each filter.
		handle := func(filter string, act func()) {
			subscribe(t, client, own(filter), qos, func(m *pmqtt.Message) {
				called <- filter + " " + string(m.Payload)
				if string(m.Payload) == "1" {
					act()
				}
			})
		}
		end := func(filter string) { must(t, client.Unsubscribe(contextOf(t), own(filter))) }
		never := func() { t.Error("its subscription has ended") }
		handle("#", func() {
			end("+/b")
			end("a/+")
			handle("a/+", never)
			end("a/+")
		})
		handle("a/+", never)
		handle("+/b", never)
		handle("a/b", func() { end("a/b") })
		publish(t, client, own("a/b"), "1", qos)
		publish(t, client, own("barrier"), "2", 1)
		seen := map[string]int{}
		for name := ""; name != "# 2"; seen[name]++ {
			name = receive(t, called)
		}
		if seen["# 1"] == 0 || seen["a/b 1"] != 1 {
			t.Errorf("QoS %d: %v", qos, seen)
		}
		must(t, client.Close())
	}
}

// A broker that gives two messages the same number does not make one of them.
func TestMessagesOfTheSameNumber(t *testing.T) {
	address := serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		switch kind {
		case packetSubscribe:
			conn.Write(subAck(body, 1))
		case packetPublish:
			conn.Write(append(message("a", 1), message("b", 1)...))
		}
	}))
	called := make(chan string, 10)
	client := connect(t, pmqtt.Options{Broker: address})
	for _, filter := range []string{"a", "b"} {
		filter := filter
		subscribe(t, client, filter, 1, func(m *pmqtt.Message) { called <- filter + " " + m.Topic })
	}
	publish(t, client, "go", "", 0)
	for _, want := range []string{"a a", "b b"} {
		if got := receive(t, called); got != want {
			t.Fatalf("%s, not %s", got, want)
		}
	}
}

// Handlers come and go while messages come, in any goroutine.
func TestHandlersChangeUnderLoad(t *testing.T) {
	const messages, changers = 2000, 4
	var steady atomic.Int64
	client := connect(t, pmqtt.Options{})
	subscribe(t, client, "change/+", 1, func(*pmqtt.Message) { steady.Add(1) })
	stop, all := make(chan bool), sync.WaitGroup{}
	for i := 0; i < changers; i++ {
		all.Add(1)
		go func(filter string) {
			defer all.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				channel, err := client.SubscribeChan(contextOf(t), filter, 1, messages)
				if err == nil {
					err = client.Unsubscribe(contextOf(t), filter)
				}
				if err != nil {
					t.Error(err)
					return
				}
				isClosed(t, channel)
			}
		}(fmt.Sprint("change/", i))
	}
	for i := 0; i < messages; i++ {
		must(t, client.PublishAsync(fmt.Sprint("change/", i%changers), []byte("x"), pmqtt.QoS(i%3), false).Err())
	}
	eventually(t, "the steady handler gets all", func() bool { return steady.Load() >= messages })
	close(stop)
	all.Wait()
	must(t, client.Close())
}

// A message that is too long to be gathered keeps its place among those that are.
func TestLongMessagesInOrder(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	came := make(chan *pmqtt.Message, 1000)
	subscribe(t, client, "long/#", 1, func(m *pmqtt.Message) { came <- m })
	subscribe(t, client, "long/+", 1, func(m *pmqtt.Message) {
		if len(m.Payload) > 0 && m.Payload[0] != m.Payload[len(m.Payload)-1] {
			t.Error("it is not whole")
		}
	})
	for i := 0; i < 200; i++ {
		payload := make([]byte, []int{0, 1, 100, 4000, 5000, 100_000}[i%6])
		for j := range payload {
			payload[j] = byte(i)
		}
		must(t, client.PublishAsync("long/a", payload, pmqtt.QoS(i%2), false).Err())
	}
	sizes := map[int]int{}
	for count := 0; count < 200; count++ {
		sizes[len(receive(t, came).Payload)]++
	}
	if sizes[100_000] < 33 || sizes[0] < 33 {
		t.Fatal(sizes)
	}
}
