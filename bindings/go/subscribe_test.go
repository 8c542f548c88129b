package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"pmqtt"
)

func TestHandlerOfEachFilter(t *testing.T) {
	called := make(chan string, 100)
	by := func(name string) pmqtt.Handler {
		return func(m *pmqtt.Message) { called <- name + " " + m.Topic }
	}
	client := connect(t, pmqtt.Options{OnMessage: by("rest")})
	subscribe(t, client, "filter/+/a", 1, by("plus"))
	subscribe(t, client, "filter/1/#", 1, by("old"))
	subscribe(t, client, "filter/1/#", 1, by("hash"))
	subscribe(t, client, "filter/2/b", 1, nil)
	expect := func(wanted ...string) {
		t.Helper()
		for _, want := range wanted {
			if got := receive(t, called); got != want {
				t.Fatalf("%s, not %s", got, want)
			}
		}
	}
	publish(t, client, "filter/0/a", "", 1)
	expect("plus filter/0/a")
	publish(t, client, "filter/1/b", "", 1)
	expect("hash filter/1/b")
	publish(t, client, "filter/2/b", "", 1)
	expect("rest filter/2/b")
	must(t, client.Unsubscribe(contextOf(t), "filter/1/#"))
	publish(t, client, "filter/1/b", "", 1)
	publish(t, client, "filter/9/a", "", 1)
	expect("plus filter/9/a")
}

func TestSharedSubscription(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	messages, err := client.SubscribeChan(contextOf(t), "$share/group/shared/+", 1, 1)
	must(t, err)
	publish(t, client, "shared/a", "", 1)
	receive(t, messages)
}

func TestChannel(t *testing.T) {
	client := connect(t, pmqtt.Options{})
	messages, err := client.SubscribeChan(contextOf(t), "channel", 1, 0)
	must(t, err)
	for i := 0; i < 100; i++ {
		must(t, client.PublishAsync("channel", []byte(fmt.Sprint(i)), 1, false).Err())
	}
	for i := 0; i < 50; i++ {
		if m := receive(t, messages); string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("%s, not %d", m.Payload, i)
		}
	}
	// The rest is not received, which blocks only the other handlers.
	must(t, client.Unsubscribe(contextOf(t), "channel"))
	isClosed(t, messages)

	replaced, err := client.SubscribeChan(contextOf(t), "channel", 1, 1)
	must(t, err)
	last, err := client.SubscribeChan(contextOf(t), "channel", 1, 1)
	must(t, err)
	isClosed(t, replaced)
	publish(t, client, "channel", "last", 1)
	for string(receive(t, last).Payload) != "last" {
	}
	must(t, client.Close())
	isClosed(t, last)
}

func TestRefusedSubscription(t *testing.T) {
	client := connect(t, pmqtt.Options{Broker: serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		switch kind {
		case packetSubscribe:
			conn.Write(subAck(body, 0x80))
		case packetUnsubscribe:
			conn.Close()
		}
	}))})
	var words *pmqtt.Error
	_, err := client.Subscribe(contextOf(t), "a", 1, nil)
	if !errors.Is(err, pmqtt.ErrDenied) || !errors.As(err, &words) || words.Reason != 0x80 {
		t.Fatal(err)
	}
	if _, err := client.Subscribe(contextOf(t), "a/#/b", 1, nil); !errors.As(err, &words) || words.Reason != -1 {
		t.Fatal(err)
	}
	if _, err := client.SubscribeChan(contextOf(t), "a", 1, 1); !errors.Is(err, pmqtt.ErrDenied) {
		t.Fatal(err)
	}
	if err := client.Unsubscribe(contextOf(t), "a"); !errors.Is(err, pmqtt.ErrConnLost) {
		t.Fatal(err)
	}
}

// A request that is refused at once gets no message: nobody would take it from the channel.
func TestRefusedChannelGetsNothing(t *testing.T) {
	const messages = 50_000
	var handled atomic.Int64
	client := connect(t, pmqtt.Options{})
	subscribe(t, client, "invalid", 1, func(*pmqtt.Message) { handled.Add(1) })
	for i := 0; i < messages; i++ {
		must(t, client.PublishAsync("invalid", nil, 1, false).Err())
	}
	for ctx := contextOf(t); handled.Load() < messages; {
		if _, err := client.SubscribeChan(ctx, "invalid", 3, 0); !errors.Is(err, pmqtt.ErrInvalid) {
			t.Fatal(err)
		}
	}
}

func TestSubscriptionThatGrantsLess(t *testing.T) {
	client := connect(t, pmqtt.Options{Broker: serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		conn.Write(subAck(body, 1))
	}))})
	granted, err := client.Subscribe(contextOf(t), "a", 2, nil)
	must(t, err)
	if granted != 1 {
		t.Fatal(granted)
	}
}

func TestBadSubscription(t *testing.T) {
	client := create(t, pmqtt.Options{})
	try := func(filter string, qos pmqtt.QoS, want error) {
		t.Helper()
		if _, err := client.Subscribe(contextOf(t), filter, qos, nil); !errors.Is(err, want) {
			t.Errorf("%q, QoS %d: %v", filter, qos, err)
		}
	}
	try("a", 1, pmqtt.ErrNotConnected)
	must(t, client.Connect(contextOf(t)))
	try("a", 3, pmqtt.ErrInvalid)
	try("", 1, pmqtt.ErrInvalid)
	try("a/#/b", 1, pmqtt.ErrInvalid)
	try("a\x00", 1, pmqtt.ErrInvalid)
}

// A subscription that the broker grants after the context has ended is valid. One to a channel is not, because the
// program never got the channel.
func TestContextEndsSubscribe(t *testing.T) {
	goOn := make(chan bool)
	message := func(topic byte) []byte { return []byte{0x30, 3, 0, 1, topic} }
	client := connect(t, pmqtt.Options{Broker: serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		<-goOn
		conn.Write(subAck(body, 1))
		conn.Write(message(body[4]))
	}))})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	came := make(chan *pmqtt.Message, 10)
	atOnce(t, func() {
		if _, err := client.SubscribeChan(ctx, "a", 1, 0); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if _, err := client.Subscribe(ctx, "b", 1, func(m *pmqtt.Message) { came <- m }); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
	})
	close(goOn)
	if m := receive(t, came); m.Topic != "b" {
		t.Fatal(m.Topic)
	}
}

// A restarted broker has lost the session.
func TestResubscribe(t *testing.T) {
	own := startBroker(t)
	connected := make(chan bool, 100)
	client := connect(t, pmqtt.Options{
		Broker:       own.address(),
		ReconnectMin: time.Second,
		ReconnectMax: time.Second,
		OnConnect:    func(sessionPresent bool) { connected <- sessionPresent },
	})
	receive(t, connected)
	came := make(chan *pmqtt.Message, 100)
	subscribe(t, client, "again/+", 2, func(m *pmqtt.Message) { came <- m })
	channel, err := client.SubscribeChan(contextOf(t), "channel/+", 1, 10)
	must(t, err)
	subscribe(t, client, "no/more", 1, func(m *pmqtt.Message) { came <- m })
	must(t, client.Unsubscribe(contextOf(t), "no/more"))

	own.kill()
	must(t, own.start())
	if receive(t, connected) {
		t.Fatal("the broker knows the session")
	}
	publish(t, client, "no/more", "", 1)
	publish(t, client, "again/1", "", 2)
	publish(t, client, "channel/1", "", 1)
	if m := receive(t, came); m.Topic != "again/1" || m.QoS != 2 {
		t.Fatalf("%+v", m)
	}
	receive(t, channel)
}

func TestRefusedResubscription(t *testing.T) {
	var subscribes atomic.Int64
	refused := make(chan string, 1)
	connected := make(chan bool, 10)
	relay := startRelay(t, serve(t, nil, accepting(func(conn net.Conn, kind byte, body []byte) {
		if subscribes.Add(1) == 1 {
			conn.Write(subAck(body, 1))
		} else {
			conn.Write(subAck(body, 0x80))
		}
	})))
	client := connect(t, pmqtt.Options{
		Broker:    relay.address(),
		OnConnect: func(bool) { connected <- true },
		OnResubscribeFail: func(filter string, err error) {
			if errors.Is(err, pmqtt.ErrDenied) {
				refused <- filter
			}
		},
	})
	receive(t, connected)
	subscribe(t, client, "a", 1, nil)
	relay.cut()
	receive(t, connected)
	if filter := receive(t, refused); filter != "a" {
		t.Fatal(filter)
	}
}

// A durable session keeps messages while the client is away, for the handlers of the next connection.
func TestDurableSession(t *testing.T) {
	options := pmqtt.Options{ClientID: "go-durable", Durable: true}
	first := connect(t, options)
	subscribe(t, first, "durable/+", 1, nil)
	must(t, first.Close())
	publish(t, connect(t, pmqtt.Options{}), "durable/1", "kept", 1)

	came := make(chan *pmqtt.Message, 1)
	options.OnMessage = func(m *pmqtt.Message) { came <- m }
	present := make(chan bool, 1)
	options.OnConnect = func(sessionPresent bool) { present <- sessionPresent }
	second := connect(t, options)
	if !receive(t, present) {
		t.Fatal("the broker has no session")
	}
	if m := receive(t, came); string(m.Payload) != "kept" {
		t.Fatalf("%+v", m)
	}
	must(t, second.Unsubscribe(contextOf(t), "durable/+"))
}

func TestManualAck(t *testing.T) {
	options := pmqtt.Options{ClientID: "go-manual", Durable: true, ManualAck: true}
	came := make(chan *pmqtt.Message, 10)
	options.OnMessage = func(m *pmqtt.Message) { came <- m }
	first := connect(t, options)
	subscribe(t, first, "manual/+", 2, nil)
	for qos := pmqtt.AtMostOnce; qos <= pmqtt.ExactlyOnce; qos++ {
		publish(t, first, fmt.Sprint("manual/", qos), "", qos)
		m := receive(t, came)
		if qos == 1 {
			continue
		}
		must(t, m.Ack())
		if err := m.Ack(); qos > 0 && !errors.Is(err, pmqtt.ErrNotFound) {
			t.Fatal(err)
		}
	}
	must(t, first.Close())

	// The broker sends unacknowledged messages again.
	second := connect(t, options)
	m := receive(t, came)
	if m.Topic != "manual/1" || !m.Duplicate {
		t.Fatalf("%+v", m)
	}
	must(t, m.Ack())
	must(t, second.Unsubscribe(contextOf(t), "manual/+"))
	must(t, second.Close())
	if err := m.Ack(); err != pmqtt.ErrClosed {
		t.Fatal(err)
	}
}

func TestAckOfAnotherConnection(t *testing.T) {
	relay := startRelay(t, broker)
	came := make(chan *pmqtt.Message, 10)
	client := connect(t, pmqtt.Options{Broker: relay.address(), ClientID: "go-other", Durable: true, ManualAck: true,
		OnMessage: func(m *pmqtt.Message) { came <- m }})
	subscribe(t, client, "other/+", 1, nil)
	publish(t, client, "other/1", "", 1)
	old := receive(t, came)
	relay.cut()
	again := receive(t, came)
	if err := old.Ack(); !errors.Is(err, pmqtt.ErrNotFound) {
		t.Fatal(err)
	}
	must(t, again.Ack())
	must(t, client.Unsubscribe(contextOf(t), "other/+"))
}

// When the handler of a message returns, the broker has lost the session, and has given the packet identifier to
// another message.
func TestLateAck(t *testing.T) {
	for qos := pmqtt.AtLeastOnce; qos <= pmqtt.ExactlyOnce; qos++ {
		var connections atomic.Int32
		began, packets := make(chan bool, 1), make(chan byte, 10)
		broker := serve(t, nil, func(conn net.Conn, kind byte, body []byte) {
			switch kind {
			case packetConnect:
				number := byte(connections.Add(1))
				conn.Write(append(connAck, 0x30|byte(qos)<<1, 6, 0, 1, 't', 0, 1, number))
				if number == 1 {
					<-began
					conn.Close()
				}
			case packetPublish, packetPubAck, packetPubRec:
				packets <- kind
			}
		})
		var client *pmqtt.Client
		ready := make(chan bool)
		client = connect(t, pmqtt.Options{Broker: broker, OnMessage: func(m *pmqtt.Message) {
			<-ready
			if m.Payload[0] == 1 {
				began <- true
				for client.Stats().MessagesIn < 2 {
					time.Sleep(time.Millisecond)
				}
			} else { // right behind what was acknowledged before
				client.PublishAsync("a", nil, 1, false)
			}
		}})
		close(ready)
		for _, want := range []byte{packetPublish, packetPubAck + byte(qos) - 1} {
			if kind := receive(t, packets); kind != want {
				t.Fatalf("QoS %d: packet %d, want %d", qos, kind, want)
			}
		}
	}
}
