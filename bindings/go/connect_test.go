package pmqtt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pmqtt"
)

func TestConnectFailures(t *testing.T) {
	closed := &mosquitto{port: freePort()}
	for _, failure := range []struct {
		options pmqtt.Options
		want    error
	}{
		{pmqtt.Options{Broker: closed.address()}, pmqtt.ErrOS},
		{pmqtt.Options{Broker: serve(t, nil, func(net.Conn, byte, []byte) {}), ConnectTimeout: 200 * time.Millisecond}, pmqtt.ErrTimeout},
		{pmqtt.Options{Broker: serve(t, nil, func(conn net.Conn, _ byte, _ []byte) { conn.Close() })}, pmqtt.ErrConnLost},
		{pmqtt.Options{Broker: broker, BindAddress: "nowhere"}, pmqtt.ErrInvalid},
		{pmqtt.Options{Broker: "a..b", SRV: true}, pmqtt.ErrInvalid},
	} {
		failure.options.OnConnectFail = func(err error) { t.Errorf("the hook was told, too: %v", err) }
		client := create(t, failure.options)
		err := client.Connect(contextOf(t))
		if !errors.Is(err, failure.want) {
			t.Errorf("%v, not %v", err, failure.want)
		}
		var words *pmqtt.Error
		if !errors.As(err, &words) || words.Text == "" {
			t.Errorf("%v has no words", err)
		}
		if err := client.Disconnect(contextOf(t)); !errors.Is(err, pmqtt.ErrNotConnected) {
			t.Errorf("it tries again: %v", err)
		}
	}
}

func TestRefusal(t *testing.T) {
	secured := startBroker(t, "allow_anonymous false")
	err := create(t, pmqtt.Options{Broker: secured.address()}).Connect(contextOf(t))
	var words *pmqtt.Error
	if !errors.Is(err, pmqtt.ErrConnRefused) || !errors.As(err, &words) || words.ReturnCode != 5 || words.Reason != 0x87 {
		t.Fatalf("%v, %+v", err, words)
	}
}

func TestCredentials(t *testing.T) {
	told := make(chan string, 1)
	address := serve(t, nil, func(conn net.Conn, kind byte, body []byte) {
		told <- string(body)
		conn.Write(connAck)
	})
	connect(t, pmqtt.Options{Broker: address, ClientID: "me", Username: "user", Password: "secret",
		KeepAlive: 90 * time.Second, Protocol: pmqtt.MQTT31})
	want := "\x00\x06MQIsdp\x03\xc2\x00\x5a\x00\x02me\x00\x04user\x00\x06secret"
	if got := receive(t, told); got != want {
		t.Fatalf("%q", got)
	}
}

func TestContextEndsConnect(t *testing.T) {
	silent := serve(t, nil, func(net.Conn, byte, []byte) {})
	client := create(t, pmqtt.Options{Broker: silent})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	atOnce(t, func() {
		if err := client.Connect(ctx); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		if err := client.Connect(ctx); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
	})
}

func TestConnectAgainAfterGivingUp(t *testing.T) {
	var answers atomic.Bool
	client := create(t, pmqtt.Options{Broker: serve(t, nil, func(conn net.Conn, kind byte, _ []byte) {
		if answers.Load() && kind == packetConnect {
			conn.Write(connAck)
		}
	})})
	for round := 0; round < 10; round++ {
		answers.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		if err := client.Connect(ctx); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		cancel()
		answers.Store(true)
		must(t, client.Connect(contextOf(t)))
	}
}

// hooks sets the hooks of a client, and returns a channel of their calls, as text.
func hooks(options pmqtt.Options) (pmqtt.Options, <-chan string) {
	told := make(chan string, 100)
	options.OnConnect = func(sessionPresent bool) { told <- fmt.Sprint("connected ", sessionPresent) }
	options.OnDisconnect = func(err error) { told <- fmt.Sprint("disconnected ", err) }
	options.OnConnectFail = func(err error) { told <- fmt.Sprint("failed ", err) }
	return options, told
}

func expect(t *testing.T, told <-chan string, want ...string) {
	t.Helper()
	for _, each := range want {
		if got := receive(t, told); !strings.HasPrefix(got, each) {
			t.Fatalf("%s, not %s", got, each)
		}
	}
}

// An attempt that its context has ended calls no hook, whether its broker accepts later, refuses later, or never
// answers. Later events call their hooks, once.
func TestNoHookAfterContextEndsConnect(t *testing.T) {
	const sessionPresent, refused, silent = 0, 1, 2
	for how, late := range [][]byte{
		sessionPresent: {0x20, 2, 1, 0},
		refused:        refusal,
		silent:         nil,
	} {
		for _, again := range []string{"at once", "when that has ended"} {
			var gaveUp atomic.Bool
			answer, ended := make(chan bool), make(chan bool, 1)
			options, told := hooks(pmqtt.Options{ClientID: "go-late", Durable: true})
			options.Broker = serve(t, nil, func(conn net.Conn, kind byte, _ []byte) {
				if gaveUp.Load() {
					conn.Write(connAck)
					return
				}
				<-answer
				conn.Write(late)
				io.Copy(io.Discard, conn) // DISCONNECT, or nothing
				conn.Close()
				ended <- true
			})
			client := create(t, options)
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			err := client.Connect(ctx)
			cancel()
			if err != context.DeadlineExceeded {
				t.Fatal(err)
			}
			gaveUp.Store(true)
			close(answer)
			if again != "at once" && how != silent {
				receive(t, ended)
			}
			must(t, client.Connect(contextOf(t)))
			must(t, client.Disconnect(contextOf(t)))
			expect(t, told, "connected false", "disconnected <nil>")
		}
	}
}

// The same for an attempt that has not sent CONNECT.
func TestNoHookAfterGivingUpEarly(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // TCP is open, and TLS has no answer
	must(t, err)
	defer listener.Close()
	options, told := hooks(pmqtt.Options{TLS: &pmqtt.TLS{}, Broker: listener.Addr().String()})
	client := create(t, options)
	for i := 0; i < 5; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*10*time.Millisecond+1)
		err := client.Connect(ctx)
		cancel()
		if err != context.DeadlineExceeded {
			t.Fatal(err)
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- client.Connect(context.Background()) }()
	eventually(t, "Disconnect ends Connect", func() bool {
		client.Disconnect(contextOf(t))
		return len(failed) > 0
	})
	if err := <-failed; !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
	must(t, client.Close())
	if len(told) > 0 {
		t.Fatal(<-told)
	}
}

// A reconnect that Connect replaces does not count as a failure of Connect.
func TestConnectReplacesReconnect(t *testing.T) {
	var count atomic.Int32
	again := make(chan bool, 1)
	options, told := hooks(pmqtt.Options{ReconnectMin: time.Second, ReconnectMax: time.Second})
	options.Broker = serve(t, nil, func(conn net.Conn, kind byte, _ []byte) {
		switch number := count.Add(1); {
		case number == 1:
			conn.Write(connAck)
			conn.Close()
		case number == 2:
			again <- true // and it is silent
		case kind == packetConnect:
			conn.Write(connAck)
		}
	})
	client := create(t, options)
	must(t, client.Connect(contextOf(t)))
	receive(t, again)
	must(t, client.Connect(contextOf(t)))
	must(t, client.Disconnect(contextOf(t)))
	expect(t, told, "connected", "disconnected pmqtt: ", "connected", "disconnected <nil>")
}

func TestOneConnectAtATime(t *testing.T) {
	asked := make(chan bool, 1)
	client := create(t, pmqtt.Options{Broker: serve(t, nil, func(net.Conn, byte, []byte) { asked <- true }),
		ConnectTimeout: time.Second})
	first := make(chan error, 1)
	go func() { first <- client.Connect(contextOf(t)) }()
	receive(t, asked)
	if err := client.Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrBusy) {
		t.Fatal(err)
	}
	client.Disconnect(contextOf(t))
	if err := receive(t, first); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
}

func TestHooks(t *testing.T) {
	told := make(chan string, 100)
	own := startBroker(t)
	client := create(t, pmqtt.Options{
		Broker:       own.address(),
		ReconnectMin: time.Second,
		ReconnectMax: time.Second,
		OnConnect:    func(sessionPresent bool) { told <- "connected" },
		OnDisconnect: func(err error) {
			if err == nil {
				told <- "disconnected"
			} else {
				told <- "lost"
			}
		},
		OnConnectFail: func(err error) {
			if errors.Is(err, pmqtt.ErrOS) {
				told <- "failed"
			}
		},
	})
	expect := func(want string) {
		t.Helper()
		if got := receive(t, told); got != want {
			t.Fatalf("%s, not %s", got, want)
		}
	}
	must(t, client.Connect(contextOf(t)))
	expect("connected")
	own.kill()
	expect("lost")
	expect("failed")
	must(t, own.start())
	for got := "failed"; got != "connected"; got = receive(t, told) {
		if got != "failed" {
			t.Fatal(got)
		}
	}
	must(t, client.Disconnect(contextOf(t)))
	expect("disconnected")
	if err := client.Disconnect(contextOf(t)); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
}

func TestLog(t *testing.T) {
	lines := make(chan string, 1000)
	client := connect(t, pmqtt.Options{OnLog: func(level pmqtt.LogLevel, line string) {
		if level == pmqtt.LogDebug {
			lines <- line
		}
	}})
	publish(t, client, "log", "secret", 1)
	for line := receive(t, lines); !contains(line, "PUBACK"); line = receive(t, lines) {
		if contains(line, "secret") {
			t.Fatal(line)
		}
	}
}

func TestLogLevel(t *testing.T) {
	levels := make(chan pmqtt.LogLevel, 1000)
	client := connect(t, pmqtt.Options{LogLevel: pmqtt.LogInfo, OnLog: func(level pmqtt.LogLevel, line string) {
		levels <- level
	}})
	if level := receive(t, levels); level != pmqtt.LogInfo {
		t.Fatal(level)
	}
	publish(t, client, "log", "", 1)
	must(t, client.Disconnect(contextOf(t)))
	for len(levels) > 0 {
		if <-levels == pmqtt.LogDebug {
			t.Fatal("a packet was logged")
		}
	}
	if _, err := pmqtt.New(pmqtt.Options{LogLevel: 3}); !errors.Is(err, pmqtt.ErrInvalid) {
		t.Fatal(err)
	}
}

func TestIsConnected(t *testing.T) {
	client := create(t, pmqtt.Options{})
	if client.IsConnected() {
		t.Fatal("before Connect")
	}
	must(t, client.Connect(contextOf(t)))
	if !client.IsConnected() {
		t.Fatal("not after Connect")
	}
	must(t, client.Disconnect(contextOf(t)))
	if client.IsConnected() {
		t.Fatal("after Disconnect")
	}
	must(t, client.Close())
	if client.IsConnected() {
		t.Fatal("after Close")
	}
}

func TestWill(t *testing.T) {
	watcher := connect(t, pmqtt.Options{})
	wills, err := watcher.SubscribeChan(contextOf(t), "will/+", 2, 10)
	must(t, err)

	// A disconnect publishes no will; a broken connection does.
	polite := connect(t, pmqtt.Options{Will: &pmqtt.Publication{Topic: "will/polite"}})
	must(t, polite.Close())
	relay := startRelay(t, broker)
	connect(t, pmqtt.Options{Broker: relay.address(), Will: &pmqtt.Publication{
		Topic: "will/lost", Payload: []byte("gone"), QoS: 1, Retain: false}})
	relay.cut()
	if m := receive(t, wills); m.Topic != "will/lost" || string(m.Payload) != "gone" || m.QoS != 1 {
		t.Fatalf("%+v", m)
	}
}

func TestBadOptions(t *testing.T) {
	for _, options := range []pmqtt.Options{
		{Broker: "localhost:mqtt"},
		{Broker: "localhost:70000"},
		{Broker: "local\x00host"},
		{Durable: true},
		{Protocol: 17},
		{ClientID: "\xff"},
		{Will: &pmqtt.Publication{Topic: "a/#"}},
		{Will: &pmqtt.Publication{Topic: "a", QoS: 3}},
		{MaxInflight: 100_000},
		{MaxQueuedMessages: -1},
		{ConnectTimeout: -1},
		{ReconnectMin: 2 * time.Second, ReconnectMax: time.Second},
		{TLS: &pmqtt.TLS{Version: 7}},
		{TLS: &pmqtt.TLS{RootCAs: []byte("x"), KeyFile: "y"}},
	} {
		if client, err := pmqtt.New(options); !errors.Is(err, pmqtt.ErrInvalid) {
			t.Errorf("%+v: %v", options, err)
			if client != nil {
				client.Close()
			}
		}
	}
}
