package pmqtt_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"pmqtt"
)

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
