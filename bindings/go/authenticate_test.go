package pmqtt_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"pmqtt"
)

// A script5 is an Authenticator whose steps are functions. Without one, a step answers with its name.
type script5 struct {
	start     func(ctx context.Context) ([]byte, error)
	challenge func(ctx context.Context, data []byte) ([]byte, error)
	done      func(ctx context.Context, data []byte) error
}

func (*script5) Method() string { return "M" }

func (s *script5) Start(ctx context.Context) ([]byte, error) {
	if s.start != nil {
		return s.start(ctx)
	}
	return []byte("start"), nil
}

func (s *script5) Challenge(ctx context.Context, data []byte) ([]byte, error) {
	if s.challenge != nil {
		return s.challenge(ctx, data)
	}
	return []byte("answer to " + string(data)), nil
}

func (s *script5) Done(ctx context.Context, data []byte) error {
	if s.done != nil {
		return s.done(ctx, data)
	}
	return nil
}

// The properties of a step: the method and the data.
func authData(method, data string) string {
	return "\x15\x00" + string([]byte{byte(len(method))}) + method + "\x16\x00" + string([]byte{byte(len(data))}) + data
}

// asking is a broker that asks once, and tells the kinds and bodies of packets.
func asking(told chan<- string) script {
	again := false
	return func(conn net.Conn, kind byte, body []byte) {
		told <- fmt.Sprintf("%d %s", kind, body)
		switch {
		case kind == packetConnect:
			again = false
			conn.Write(packet5(0xf0, "\x18", authData("M", "question")))
		case kind == packetAuth && body[0] == 0x19:
			again = true
			conn.Write(packet5(0xf0, "\x18", authData("M", "another")))
		case kind == packetAuth && again:
			conn.Write(packet5(0xf0, "\x00", authData("M", "last")))
		case kind == packetAuth:
			conn.Write(packet5(0x20, "\x00\x00", authData("M", "last")))
		}
	}
}

func TestAuthentication(t *testing.T) {
	told, done := make(chan string, 10), make(chan string, 10)
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil, asking(told)),
		Authenticator: &script5{done: func(_ context.Context, data []byte) error { done <- string(data); return nil }}})
	if err := client.Reauthenticate(contextOf(t)); !errors.Is(err, pmqtt.ErrNotConnected) {
		t.Fatal(err)
	}
	must(t, client.Connect(contextOf(t)))
	must(t, client.Reauthenticate(contextOf(t)))
	for _, want := range []string{authData("M", "start"), authData("M", "answer to question"), authData("M", "start"),
		authData("M", "answer to another")} {
		if got := receive(t, told); !contains(got, want) {
			t.Fatalf("%q, not %q", got, want)
		}
	}
	for i := 0; i < 2; i++ {
		if got := receive(t, done); got != "last" {
			t.Fatal(got)
		}
	}
	must(t, client.Close())
	if err := client.Reauthenticate(contextOf(t)); err != pmqtt.ErrClosed {
		t.Fatal(err)
	}
}

// An error of an Authenticator ends the connection, and is found in the error of Connect.
func TestAuthenticatorFails(t *testing.T) {
	mine := errors.New("my token has expired")
	for name, authenticator := range map[string]*script5{
		"start":     {start: func(context.Context) ([]byte, error) { return nil, mine }},
		"challenge": {challenge: func(context.Context, []byte) ([]byte, error) { return nil, mine }},
		"done":      {done: func(context.Context, []byte) error { return mine }},
	} {
		client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil, asking(make(chan string, 10))),
			Authenticator: authenticator})
		err := client.Connect(contextOf(t))
		if !errors.Is(err, pmqtt.ErrAuth) || !errors.Is(err, mine) || !contains(err.Error(), "my token") {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := &script5{start: func(context.Context) ([]byte, error) { return make([]byte, 65_536), nil }}
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Authenticator: long})
	if err := client.Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrAuth) || !errors.Is(err, pmqtt.ErrInvalid) {
		t.Error(err)
	}
}

// The end of a re-authentication that fails.
func TestReauthenticationFails(t *testing.T) {
	var rounds atomic.Int32
	mine := errors.New("no more")
	lost := make(chan error, 10)
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil, asking(make(chan string, 100))),
		OnDisconnect: func(err error) { lost <- err },
		Authenticator: &script5{start: func(context.Context) ([]byte, error) {
			if rounds.Add(1) == 2 {
				return nil, mine
			}
			return nil, nil
		}}})
	for _, err := range []error{client.Reauthenticate(contextOf(t)), receive(t, lost)} {
		if !errors.Is(err, pmqtt.ErrAuth) || !errors.Is(err, mine) {
			t.Fatal(err)
		}
	}
}

// Contexts end with the connection and with the client. An answer that is late has no effect on the next connection.
func TestLateAnswer(t *testing.T) {
	asked, ended := make(chan bool, 10), make(chan bool, 10)
	goOn, told := make(chan bool), make(chan string, 10)
	var rounds, connections atomic.Int32
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5,
		Broker: serve(t, nil, func(conn net.Conn, kind byte, body []byte) {
			if kind == packetConnect && connections.Add(1) == 1 {
				conn.Write(packet5(0xf0, "\x18", authData("M", "first")))
				receive(t, asked)
				conn.Close()
				return
			}
			told <- string(body)
			conn.Write(packet5(0x20, "\x00\x00", authData("M", "last")))
		}),
		Authenticator: &script5{
			start: func(ctx context.Context) ([]byte, error) {
				if rounds.Add(1) == 3 {
					asked <- true
					<-ctx.Done() // of Close
					ended <- true
				} else if rounds.Load() == 2 {
					<-goOn
				}
				return []byte("right"), nil
			},
			challenge: func(ctx context.Context, _ []byte) ([]byte, error) {
				asked <- true
				<-ctx.Done() // of the connection
				ended <- true
				<-goOn
				return []byte("late"), nil
			}}})
	if err := client.Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrConnLost) {
		t.Fatal(err)
	}
	receive(t, ended)
	connected := make(chan error, 1)
	go func() { connected <- client.Connect(contextOf(t)) }()
	eventually(t, "it starts again", func() bool { return rounds.Load() == 2 })
	close(goOn)
	must(t, receive(t, connected))
	if got := receive(t, told); !contains(got, authData("M", "right")) || contains(got, "late") {
		t.Fatalf("%q", got)
	}

	waiting := make(chan error, 1)
	go func() { waiting <- client.Reauthenticate(contextOf(t)) }()
	receive(t, asked)
	if err := client.Reauthenticate(contextOf(t)); !errors.Is(err, pmqtt.ErrBusy) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := client.Reauthenticate(ctx); err != context.Canceled {
		t.Fatal(err)
	}
	atOnce(t, func() { must(t, client.Close()) })
	receive(t, ended)
	if err := receive(t, waiting); err != pmqtt.ErrClosed && !errors.Is(err, pmqtt.ErrConnLost) {
		t.Fatal(err)
	}
}

// Done may close the client.
func TestCloseInDone(t *testing.T) {
	closed := make(chan error, 1)
	var client *pmqtt.Client
	client = create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: serve(t, nil, asking(make(chan string, 10))),
		Authenticator: &script5{done: func(context.Context, []byte) error { closed <- client.Close(); return nil }}})
	atOnce(t, func() {
		if err := client.Connect(contextOf(t)); err == nil {
			t.Fatal("it is connected")
		}
		must(t, receive(t, closed))
	})
}

// A broker that knows the password by SCRAM-SHA-256 (RFC 5802).
func scramBroker(password string) script {
	const rounds, salt = 4096, "salt"
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	last := mac([]byte(password), salt+"\x00\x00\x00\x01")
	salted := append([]byte(nil), last...)
	for i := 1; i < rounds; i++ {
		last = mac([]byte(password), string(last))
		for j := range salted {
			salted[j] ^= last[j]
		}
	}
	var bare, question string
	dataOf := func(body, start string) string {
		at := strings.Index(body, start)
		return body[at : at+int(body[at-2])<<8+int(body[at-1])]
	}
	begin := func(body string) string {
		bare = dataOf(body, "n,,n=me,")[3:]
		nonce := bare[strings.Index(bare, "r=")+2:]
		question = fmt.Sprintf("r=%sserver,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString([]byte(salt)), rounds)
		return authData("SCRAM-SHA-256", question)
	}
	return func(conn net.Conn, kind byte, body []byte) {
		text := string(body)
		switch {
		case kind == packetConnect || kind == packetAuth && body[0] == 0x19:
			conn.Write(packet5(0xf0, "\x18", begin(text)))
		case kind == packetAuth:
			final := dataOf(text, "c=")
			final = final[:strings.Index(final, ",p=")]
			signature := mac(mac(salted, "Server Key"), bare+","+question+","+final)
			conn.Write(packet5(0x20, "\x00\x00",
				authData("SCRAM-SHA-256", "v="+base64.StdEncoding.EncodeToString(signature))))
		}
	}
}

func TestSCRAM(t *testing.T) {
	address := serve(t, nil, scramBroker("secret"))
	options := pmqtt.Options{Protocol: pmqtt.MQTT5, Broker: address, SCRAM: &pmqtt.SCRAM{User: "me", Password: "secret"}}
	client := connect(t, options)
	must(t, client.Reauthenticate(contextOf(t)))
	options.SCRAM = &pmqtt.SCRAM{User: "me", Password: "another"}
	if err := create(t, options).Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrAuth) {
		t.Fatal(err)
	}
	if err := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5}).Reauthenticate(contextOf(t)); !errors.Is(err, pmqtt.ErrInvalid) {
		t.Fatal(err)
	}
}
