package pmqtt_test

import (
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"pmqtt"
)

const (
	useAnother  = 0x9c
	serverMoved = 0x9d
)

// redirecting is a broker that sends clients to another server, with CONNACK (0x20) or DISCONNECT (0xe0).
func redirecting(t *testing.T, kind byte, reason byte, reference string) string {
	property := "\x1c\x00" + string([]byte{byte(len(reference))}) + reference
	return serve(t, nil, func(conn net.Conn, _ byte, _ []byte) {
		if kind == 0xe0 {
			conn.Write(accept5)
			conn.Write(packet5(kind, string([]byte{reason}), property))
		} else {
			conn.Write(packet5(kind, string([]byte{0, reason}), property))
		}
	})
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, service, err := net.SplitHostPort(address)
	must(t, err)
	port, err := strconv.Atoi(service)
	must(t, err)
	return port
}

func TestRedirectOfConnect(t *testing.T) {
	asked := make(chan pmqtt.Redirect, 10)
	options := pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: redirecting(t, 0x20, useAnother, broker),
		OnConnectFail: func(err error) { t.Error(err) }, OnDisconnect: func(err error) { t.Error(err) }}
	for _, follow := range []bool{true, false} {
		follow := follow
		options.OnRedirect = func(r pmqtt.Redirect) bool {
			asked <- r
			return follow
		}
		client := create(t, options)
		err := client.Connect(contextOf(t))
		want := pmqtt.Redirect{Reason: useAnother, Reference: broker, Host: "127.0.0.1", Port: portOf(t, broker)}
		if r := receive(t, asked); r != want {
			t.Fatalf("%+v", r)
		}
		if follow {
			must(t, err)
			publish(t, client, "redirected", "", 1)
			continue
		}
		var told *pmqtt.Error
		if !errors.Is(err, pmqtt.ErrConnRefused) || !errors.As(err, &told) || told.Reason != useAnother {
			t.Fatal(err)
		}
	}
}

func TestRedirectOfConnection(t *testing.T) {
	connected, lost := make(chan bool, 10), make(chan error, 10)
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, ReconnectMin: time.Hour,
		Broker:       redirecting(t, 0xe0, serverMoved, broker),
		OnRedirect:   func(r pmqtt.Redirect) bool { return r.Reason == serverMoved },
		OnConnect:    func(bool) { connected <- true },
		OnDisconnect: func(err error) { lost <- err }})
	receive(t, connected)
	var told *pmqtt.Error
	if err := receive(t, lost); !errors.As(err, &told) || told.Reason != serverMoved {
		t.Fatal(err)
	}
	receive(t, connected)
	publish(t, client, "redirected", "", 1)
}

// The client does not follow: the program does not answer in time, the reference is unreadable, or two brokers send the
// client to each other.
func TestRedirectNotFollowed(t *testing.T) {
	refused := func(options pmqtt.Options) {
		t.Helper()
		options.Protocol = pmqtt.MQTT5
		var told *pmqtt.Error
		err := create(t, options).Connect(contextOf(t))
		if !errors.Is(err, pmqtt.ErrConnRefused) || !errors.As(err, &told) || told.Reason != useAnother {
			t.Fatal(err)
		}
	}
	release := make(chan bool)
	defer close(release)
	refused(pmqtt.Options{Broker: redirecting(t, 0x20, useAnother, broker), ConnectTimeout: 100 * time.Millisecond,
		OnRedirect: func(pmqtt.Redirect) bool { return <-release }})

	asked := make(chan pmqtt.Redirect, 10)
	refused(pmqtt.Options{Broker: redirecting(t, 0x20, useAnother, "?"), OnRedirect: func(r pmqtt.Redirect) bool {
		asked <- r
		return true
	}})
	if r := receive(t, asked); r != (pmqtt.Redirect{Reason: useAnother, Reference: "?"}) {
		t.Fatalf("%+v", r)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	circle := redirecting(t, 0x20, useAnother, listener.Addr().String())
	property := "\x1c\x00" + string([]byte{byte(len(circle))}) + circle
	serve(t, listener, func(conn net.Conn, _ byte, _ []byte) { conn.Write(packet5(0x20, "\x00\x9c", property)) })
	hops := make(chan int, 10)
	refused(pmqtt.Options{Broker: circle, OnRedirect: func(r pmqtt.Redirect) bool {
		hops <- r.Hops
		return true
	}})
	for want := 0; want <= 5; want++ {
		if got := receive(t, hops); got != want {
			t.Fatal(got, want)
		}
	}
}

func TestCloseInRedirect(t *testing.T) {
	asked, release := make(chan bool), make(chan bool)
	defer close(release)
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: redirecting(t, 0x20, useAnother, broker),
		OnRedirect: func(pmqtt.Redirect) bool {
			asked <- true
			return <-release
		}})
	connected := make(chan error, 1)
	go func() { connected <- client.Connect(contextOf(t)) }()
	receive(t, asked)
	atOnce(t, func() { must(t, client.Close()) })
	if err := receive(t, connected); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
}
