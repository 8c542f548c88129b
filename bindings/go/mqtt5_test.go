package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"testing"
	"time"

	"pmqtt"
)

func TestPropertiesOfMessage(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	came := make(chan *pmqtt.Message, 10)
	subscribe(t, client, "properties/+", 2, func(m *pmqtt.Message) { came <- m })
	subscribe(t, client, "+/twice", 2, func(m *pmqtt.Message) { came <- m })
	sent := &pmqtt.Properties{
		PayloadIsUTF8:   true,
		ContentType:     "text/plain",
		ResponseTopic:   "properties/response",
		CorrelationData: []byte{0, 1},
		UserProperties:  []pmqtt.UserProperty{{Name: "site", Value: "north"}, {Name: "site", Value: "ü"}},
	}
	for qos := pmqtt.AtMostOnce; qos <= pmqtt.ExactlyOnce; qos++ {
		for _, size := range []int{0, 10, 10_000} {
			must(t, client.PublishWith(contextOf(t), pmqtt.Publication{
				Topic: "properties/a", QoS: qos, Payload: make([]byte, size), Properties: sent}))
			m := receive(t, came)
			if !reflect.DeepEqual(m.Properties(), sent) || len(m.Payload) != size {
				t.Fatalf("QoS %d, size %d: %+v", qos, size, m.Properties())
			}
		}
	}

	// What was received can be handed on, by a batch and to two handlers, too.
	must(t, client.PublishWith(contextOf(t), pmqtt.Publication{Topic: "properties/b", QoS: 1, Properties: sent,
		Expiry: time.Minute}))
	m := receive(t, came)
	if expiry := m.Properties().MessageExpiry; expiry == nil || *expiry > 60 {
		t.Fatal(expiry)
	}
	_, err := client.PublishBatch([]pmqtt.Publication{
		{Topic: "properties/none", Payload: []byte("payload")},
		{Topic: "properties/twice", Payload: []byte("payload"), Properties: m.Properties()},
		{Topic: "properties/last"},
	})
	must(t, err)
	if m := receive(t, came); m.Properties() != nil || string(m.Payload) != "payload" {
		t.Fatalf("%+v", m)
	}
	// The broker may send a message once for each subscription.
	first := receive(t, came)
	for ; first.Topic == "properties/twice"; first = receive(t, came) {
		second := receive(t, came)
		if first != second || string(first.Payload) != "payload" || first.Properties().ContentType != "text/plain" {
			t.Fatalf("%+v, %+v", first, second)
		}
	}
	if first.Topic != "properties/last" || first.Properties() != nil {
		t.Fatalf("%+v", first)
	}
}

// A publish with properties allocates no more than one without.
func TestPropertiesAllocateNothing(t *testing.T) {
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	plain := pmqtt.Publication{Topic: "a", QoS: 1}
	full := pmqtt.Publication{Topic: "a", QoS: 1, Expiry: time.Hour, Properties: &pmqtt.Properties{
		ContentType: "text/plain", CorrelationData: []byte("data"), UserProperties: []pmqtt.UserProperty{{Name: "a", Value: "b"}}}}
	allocations := func(m pmqtt.Publication) float64 {
		return testing.AllocsPerRun(1000, func() { must(t, client.PublishWithAsync(m).Err()) })
	}
	allocations(full) // the buffers grow
	if without, with := allocations(plain), allocations(full); with > without {
		t.Fatal(without, with)
	}
}

func TestBadProperties(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	old := connect(t, pmqtt.Options{})
	number, expiry := uint16(1), uint32(1)
	for _, c := range []struct {
		client *pmqtt.Client
		m      pmqtt.Publication
		want   error
		words  string
	}{
		{client, pmqtt.Publication{Properties: &pmqtt.Properties{ContentType: "\xff"}}, pmqtt.ErrInvalid, "ContentType"},
		{client, pmqtt.Publication{Properties: &pmqtt.Properties{ReasonString: "a"}}, pmqtt.ErrInvalid, "does not belong"},
		{client, pmqtt.Publication{Properties: &pmqtt.Properties{TopicAlias: &number}}, pmqtt.ErrInvalid, "topic alias"},
		{client, pmqtt.Publication{Properties: &pmqtt.Properties{MessageExpiry: &expiry}, Expiry: 1}, pmqtt.ErrInvalid, "expiry"},
		{old, pmqtt.Publication{Properties: &pmqtt.Properties{ContentType: "a"}}, pmqtt.ErrNotSupported, "MQTT 5"},
	} {
		c.m.Topic = "a"
		err := c.client.PublishWith(contextOf(t), c.m)
		_, batch := c.client.PublishBatch([]pmqtt.Publication{c.m})
		for _, err := range []error{err, batch} {
			if !errors.Is(err, c.want) || !contains(err.Error(), c.words) {
				t.Errorf("%s: %v", c.words, err)
			}
		}
	}
}

func TestReasonOfAcknowledgement(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	token := client.PublishWithAsync(pmqtt.Publication{Topic: "nobody/listens", QoS: 1})
	if token.Reason() > 0 && token.Err() != nil {
		t.Fatal(token.Reason())
	}
	must(t, token.Wait(contextOf(t)))
	if token.Reason() != 0x10 || token.Properties() != nil {
		t.Fatal(token.Reason(), token.Properties())
	}
	old := connect(t, pmqtt.Options{}).PublishAsync("nobody/listens", nil, 1, false)
	must(t, old.Wait(contextOf(t)))
	if old.Reason() != -1 {
		t.Fatal(old.Reason())
	}
}

// The broker refuses messages and requests, with a reason string.
func TestRejections(t *testing.T) {
	const words = "\x1f\x00\x07my word"
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil,
		accepting5(func(conn net.Conn, kind byte, body []byte) {
			switch kind {
			case packetPublish:
				conn.Write(packet5(0x40, string(body[3:5])+"\x97", words))
			case packetSubscribe:
				conn.Write(answer5(0x90, body, words, 0x87))
			case packetUnsubscribe:
				conn.Write(answer5(0xb0, body, words, 0x87))
			}
		}))})
	_, subscribed := client.Subscribe(contextOf(t), "a", 1, nil)
	for _, c := range []struct {
		err    error
		want   error
		reason int
	}{
		{client.Publish(contextOf(t), "a", nil, 1, false), pmqtt.ErrRejected, 0x97},
		{subscribed, pmqtt.ErrDenied, 0x87},
		{client.Unsubscribe(contextOf(t), "a"), pmqtt.ErrDenied, 0x87},
	} {
		var told *pmqtt.Error
		if !errors.Is(c.err, c.want) || !errors.As(c.err, &told) || told.Reason != c.reason ||
			told.Properties.ReasonString != "my word" || !contains(told.Text, "my word") {
			t.Errorf("%v, not %v", c.err, c.want)
		}
	}
	if rejected := client.Stats().Rejected; rejected != 1 {
		t.Fatal(rejected)
	}
}

func TestSubscriptionOptions(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	other := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	must(t, other.Publish(contextOf(t), "options/kept", []byte("old"), 1, true))
	came := make(chan *pmqtt.Message, 10)
	granted, err := client.SubscribeWith(contextOf(t), pmqtt.Subscription{Filter: "options/+", QoS: 1,
		NoLocal: true, RetainAsPublished: true, RetainHandling: pmqtt.RetainNever,
		Handler:    func(m *pmqtt.Message) { came <- m },
		Properties: &pmqtt.Properties{UserProperties: []pmqtt.UserProperty{{Name: "a", Value: "b"}}}})
	must(t, err)
	if granted != 1 {
		t.Fatal(granted)
	}
	must(t, client.Publish(contextOf(t), "options/local", nil, 1, false))
	must(t, other.Publish(contextOf(t), "options/kept", nil, 1, true))
	if m := receive(t, came); m.Topic != "options/kept" || len(m.Payload) != 0 || !m.Retained {
		t.Fatalf("%+v", m)
	}
	messages, err := client.SubscribeChanWith(contextOf(t), pmqtt.Subscription{Filter: "options/channel", NoLocal: true}, 1)
	must(t, err)
	publish(t, client, "options/channel", "local", 1)
	publish(t, other, "options/channel", "other", 1)
	if m := receive(t, messages); string(m.Payload) != "other" {
		t.Fatalf("%+v", m)
	}

	for _, c := range []struct {
		client *pmqtt.Client
		wish   pmqtt.Subscription
		want   error
	}{
		{client, pmqtt.Subscription{Filter: "a", RetainHandling: 3}, pmqtt.ErrInvalid},
		{client, pmqtt.Subscription{Filter: "$share/group/a", NoLocal: true}, pmqtt.ErrInvalid},
		{client, pmqtt.Subscription{Filter: "a", Properties: &pmqtt.Properties{ContentType: "a"}}, pmqtt.ErrInvalid},
		{client, pmqtt.Subscription{Filter: "a", Properties: &pmqtt.Properties{ContentType: "\xff"}}, pmqtt.ErrInvalid},
		{connect(t, pmqtt.Options{}), pmqtt.Subscription{Filter: "a", NoLocal: true}, pmqtt.ErrNotSupported},
	} {
		if _, err := c.client.SubscribeWith(contextOf(t), c.wish); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.wish, err)
		}
	}
	wish := pmqtt.Subscription{Filter: "a", Handler: func(*pmqtt.Message) {}}
	if _, err := client.SubscribeChanWith(contextOf(t), wish, 1); !errors.Is(err, pmqtt.ErrInvalid) {
		t.Error(err)
	}
}

func TestUnsubscribeWithProperties(t *testing.T) {
	told := make(chan string, 10)
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil,
		accepting5(func(conn net.Conn, kind byte, body []byte) {
			told <- string(body[2:])
			conn.Write(answer5(0xb0, body, "", 0x11))
		}))})
	user := &pmqtt.Properties{UserProperties: []pmqtt.UserProperty{{Name: "a", Value: "b"}}}
	must(t, client.UnsubscribeWith(contextOf(t), "f", user))
	if got := receive(t, told); got != "\x07\x26\x00\x01a\x00\x01b\x00\x01f" {
		t.Fatalf("%q", got)
	}
	if err := client.UnsubscribeWith(contextOf(t), "f", &pmqtt.Properties{ContentType: "a"}); !errors.Is(err, pmqtt.ErrInvalid) {
		t.Fatal(err)
	}
}

// After a reconnect without a session, the subscriptions come before the messages of the queue, with their options.
func TestResubscribeBeforeQueue(t *testing.T) {
	packets := make(chan string, 10)
	connected, lost := make(chan bool, 10), make(chan bool, 10)
	relay := startRelay(t, serve(t, nil, accepting5(func(conn net.Conn, kind byte, body []byte) {
		switch kind {
		case packetSubscribe:
			packets <- "subscribe " + string(body[2:])
			conn.Write(answer5(0x90, body, "", 1))
		case packetPublish:
			packets <- "publish"
			conn.Write([]byte{0x40, 2, body[3], body[4]})
		}
	})))
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: relay.address(),
		OnConnect:    func(bool) { connected <- true },
		OnDisconnect: func(error) { lost <- true }})
	receive(t, connected)
	_, err := client.SubscribeWith(contextOf(t), pmqtt.Subscription{Filter: "f", QoS: 1, NoLocal: true, RetainAsPublished: true})
	must(t, err)
	relay.cut()
	receive(t, lost)
	publish(t, client, "q", "", 1)
	for _, want := range []string{"subscribe \x00\x00\x01f\x0d", "subscribe \x00\x00\x01f\x1d", "publish"} {
		if got := receive(t, packets); got != want {
			t.Fatalf("%q, not %q", got, want)
		}
	}
}

func TestAckWith(t *testing.T) {
	told := make(chan string, 10)
	acked := make(chan error, 10)
	connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5,
		Broker: serve(t, nil, func(conn net.Conn, kind byte, body []byte) {
			if kind == packetConnect {
				conn.Write(append(append([]byte(nil), accept5...), 0x32, 6, 0, 1, 'a', 0, 1, 0, 0x34, 6, 0, 1, 'b', 0, 2, 0))
			} else {
				told <- fmt.Sprintf("%d %q", kind, body)
			}
		}),
		OnMessage: func(m *pmqtt.Message) {
			acked <- m.AckWith(0x10, nil)
			acked <- m.AckWith(0x80, &pmqtt.Properties{ContentType: "a"})
			acked <- m.AckWith(0x80, &pmqtt.Properties{ReasonString: "\xff"})
			acked <- m.AckWith(0x97, &pmqtt.Properties{ReasonString: "why"})
			acked <- m.AckWith(0, nil)
		}})
	for _, kind := range []int{packetPubAck, packetPubRec} {
		for _, want := range []error{pmqtt.ErrInvalid, pmqtt.ErrInvalid, pmqtt.ErrInvalid, nil, pmqtt.ErrNotFound} {
			if err := receive(t, acked); !errors.Is(err, want) {
				t.Fatal(err, want)
			}
		}
		want := fmt.Sprintf("%d %q", kind, "\x00"+string([]byte{byte(kind - 3)})+"\x97\x06\x1f\x00\x03why")
		if got := receive(t, told); got != want {
			t.Fatalf("%s, not %s", got, want)
		}
	}
}

func TestOneShotWithProperties(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	messages, err := client.SubscribeChan(contextOf(t), "oneshot/5", 1, 1)
	must(t, err)
	must(t, pmqtt.PublishSingle(context.Background(), pmqtt.Options{Broker: broker, Protocol: pmqtt.MQTT5},
		pmqtt.Publication{Topic: "oneshot/5", QoS: 1, Properties: &pmqtt.Properties{ContentType: "a"}}))
	if m := receive(t, messages); m.Properties().ContentType != "a" {
		t.Fatalf("%+v", m.Properties())
	}
}
