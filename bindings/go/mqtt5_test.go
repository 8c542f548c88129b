package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
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

func TestConnectOptions(t *testing.T) {
	told := make(chan string, 10)
	address := serve(t, nil, func(conn net.Conn, kind byte, body []byte) {
		told <- string(body)
		conn.Write(accept5)
	})
	connect(t, pmqtt.Options{Broker: address, Protocol: pmqtt.MQTT5, ClientID: "me",
		CleanStart: pmqtt.CleanStartNever, SessionExpiry: 90*time.Second + 1, ReceiveMaximum: 7, TopicAliasReceive: -1,
		RequestResponseInfo: true, NoProblemInfo: true, UserProperties: []pmqtt.UserProperty{{Name: "a", Value: "b"}},
		WillDelay: time.Minute, Will: &pmqtt.Publication{Topic: "w", Payload: []byte("gone"), QoS: 1, Expiry: time.Hour,
			Properties: &pmqtt.Properties{ContentType: "c"}}})
	got := receive(t, told)
	if !strings.HasPrefix(got, "\x00\x04MQTT\x05\x0c\x00\x3c") {
		t.Fatalf("%q", got)
	}
	for _, want := range []string{"\x11\x00\x00\x00\x5b", "\x21\x00\x07", "\x19\x01", "\x17\x00", "\x26\x00\x01a\x00\x01b",
		"\x00\x02me", "\x18\x00\x00\x00\x3c", "\x02\x00\x00\x0e\x10", "\x03\x00\x01c", "\x00\x01w\x00\x04gone"} {
		if !contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}

	connect(t, pmqtt.Options{Broker: address, Protocol: pmqtt.MQTT5, SessionExpiry: pmqtt.Forever, TopicAliasReceive: 3,
		CleanStart: pmqtt.CleanStartAlways})
	if got := receive(t, told); !contains(got, "MQTT\x05\x02") || !contains(got, "\x11\xff\xff\xff\xff") || !contains(got, "\x22\x00\x03") {
		t.Fatalf("%q", got)
	}

	user := []pmqtt.UserProperty{{Name: "a", Value: "b"}}
	for _, c := range []struct {
		options pmqtt.Options
		want    error
	}{
		{pmqtt.Options{Protocol: pmqtt.MQTT311, SessionExpiry: 1}, pmqtt.ErrNotSupported},
		{pmqtt.Options{UserProperties: user}, pmqtt.ErrNotSupported},
		{pmqtt.Options{Will: &pmqtt.Publication{Topic: "a"}, WillDelay: 1}, pmqtt.ErrNotSupported},
		{pmqtt.Options{SCRAM: &pmqtt.SCRAM{User: "a", Password: "b"}}, pmqtt.ErrNotSupported},
		{pmqtt.Options{Authenticator: &script5{}}, pmqtt.ErrNotSupported},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, WillDelay: 1}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, SessionExpiry: -1}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, CleanStart: 4}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, ReceiveMaximum: 65_536}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, UserProperties: []pmqtt.UserProperty{{Name: "\x00"}}}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, UserProperties: []pmqtt.UserProperty{{Name: "\xff"}}}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, SCRAM: &pmqtt.SCRAM{User: "\x00"}}, pmqtt.ErrInvalid},
		{pmqtt.Options{Protocol: pmqtt.MQTT5, SCRAM: &pmqtt.SCRAM{}, Authenticator: &script5{}}, pmqtt.ErrInvalid},
	} {
		if _, err := pmqtt.New(c.options); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.options, err)
		}
	}
}

func TestNegotiated(t *testing.T) {
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, ClientIDByBroker: true, Broker: serve(t, nil,
		func(conn net.Conn, kind byte, body []byte) {
			conn.Write(packet5(0x20, "\x00\x00", "\x12\x00\x02id\x13\x00\x14\x21\x00\x05\x24\x01\x25\x00\x27\x00\x00\x04\x00"+
				"\x22\x00\x09\x28\x00\x2a\x00\x11\x00\x00\x00\x0a\x1a\x00\x01i\x26\x00\x01a\x00\x01b"))
		})})
	if _, err := client.Negotiated(); !errors.Is(err, pmqtt.ErrNotConnected) || client.ClientID() != "" {
		t.Fatal(err, client.ClientID())
	}
	must(t, client.Connect(contextOf(t)))
	n, err := client.Negotiated()
	must(t, err)
	if p := n.Properties; p == nil || p.ResponseInfo != "i" || p.UserProperties[0].Value != "b" {
		t.Fatalf("%+v", p)
	}
	n.Properties = nil
	want := pmqtt.Negotiated{Version: pmqtt.MQTT5, ClientID: "id", SessionExpiry: 10 * time.Second,
		KeepAlive: 20 * time.Second, ReceiveMaximum: 5, MaximumPacketSize: 1024, MaximumQoS: 1, TopicAliasMaximum: 9,
		SubscriptionIDsAvailable: true}
	if n != want || client.ClientID() != "id" {
		t.Fatalf("%+v", n)
	}
	if err := client.Publish(contextOf(t), "a", nil, 2, false); !errors.Is(err, pmqtt.ErrNotSupported) {
		t.Fatal(err)
	}
	tokens, err := client.PublishBatch([]pmqtt.Publication{{Topic: "a"}, {Topic: "a", QoS: 2}, {Topic: "a"}})
	if !errors.Is(err, pmqtt.ErrNotSupported) || len(tokens) != 1 {
		t.Fatal(len(tokens), err)
	}
	must(t, tokens[0].Wait(contextOf(t)))
	must(t, client.Close())
	if _, err := client.Negotiated(); err != pmqtt.ErrClosed || client.ClientID() != "id" {
		t.Fatal(err)
	}

	old := connect(t, pmqtt.Options{ClientID: "go-old"})
	n, err = old.Negotiated()
	must(t, err)
	if n.Version != pmqtt.MQTT311 || n.MaximumQoS != 2 || n.ClientID != "go-old" || n.KeepAlive != time.Minute {
		t.Fatalf("%+v", n)
	}
}

// The reasons with which a broker refuses a connection, and ends one.
func TestReasonsOfConnection(t *testing.T) {
	const words = "\x1f\x00\x07my word\x1c\x00\x05other"
	check := func(err error, code pmqtt.Code, reason int) {
		t.Helper()
		var told *pmqtt.Error
		if !errors.Is(err, code) || !errors.As(err, &told) || told.Reason != reason || !contains(told.Text, "my word") ||
			told.Properties.ReasonString != "my word" || told.Properties.ServerReference != "other" {
			t.Fatalf("%v", err)
		}
	}
	refusing := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil, func(conn net.Conn, kind byte, _ []byte) {
		conn.Write(packet5(0x20, "\x00\x9c", words))
	})})
	check(refusing.Connect(contextOf(t)), pmqtt.ErrConnRefused, 0x9c)

	lost := make(chan error, 10)
	connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, OnDisconnect: func(err error) { lost <- err },
		Broker: serve(t, nil, func(conn net.Conn, kind byte, _ []byte) {
			conn.Write(append(append([]byte(nil), accept5...), packet5(0xe0, "\x8b", words)...))
		})})
	check(receive(t, lost), pmqtt.ErrConnLost, 0x8b)
}

func TestDisconnectWith(t *testing.T) {
	watcher := connect(t, pmqtt.Options{})
	wills, err := watcher.SubscribeChan(contextOf(t), "leave/+", 1, 10)
	must(t, err)
	for _, version := range []pmqtt.Protocol{pmqtt.MQTT311, pmqtt.MQTT5} {
		client := connect(t, pmqtt.Options{Protocol: version, Will: &pmqtt.Publication{Topic: fmt.Sprint("leave/", version)}})
		must(t, client.DisconnectWith(contextOf(t), 4, nil))
		if m := receive(t, wills); m.Topic != fmt.Sprint("leave/", version) {
			t.Fatalf("%+v", m)
		}
	}

	old := connect(t, pmqtt.Options{})
	if err := old.DisconnectWith(contextOf(t), 0x81, nil); !errors.Is(err, pmqtt.ErrNotSupported) || !old.IsConnected() {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil,
		accepting5(func(_ net.Conn, _ byte, body []byte) { told <- string(body) }))})
	for _, bad := range []*pmqtt.Properties{{ContentType: "a"}, {ReasonString: "\xff"}} {
		if err := client.DisconnectWith(contextOf(t), 4, bad); !errors.Is(err, pmqtt.ErrInvalid) || !client.IsConnected() {
			t.Fatal(err)
		}
	}
	if err := client.DisconnectWith(contextOf(t), 0x8b, nil); !errors.Is(err, pmqtt.ErrInvalid) || !client.IsConnected() {
		t.Fatal(err)
	}
	must(t, client.DisconnectWith(contextOf(t), 0x83, &pmqtt.Properties{ReasonString: "why"}))
	if got := receive(t, told); got != "\x83\x06\x1f\x00\x03why" {
		t.Fatalf("%q", got)
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
