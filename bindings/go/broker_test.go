package pmqtt_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pmqtt"
)

// No test waits longer than this for an event.
const bound = 30 * time.Second

// broker is the address of the mosquitto of all tests that need no other one.
var broker string

func TestMain(m *testing.M) {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	if broker = os.Getenv(panicsAt); broker != "" {
		os.Exit(m.Run()) // it panics, and could not end a broker of its own
	}
	dir, err := os.MkdirTemp("", "pmqtt-go")
	if err != nil {
		panic(err)
	}
	shared := &mosquitto{dir: dir}
	if err := shared.start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	broker = shared.address()
	code := m.Run()
	shared.kill()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A private mosquitto, on a free port of the loopback interface. It keeps the port after a restart.
type mosquitto struct {
	dir     string
	port    int
	options []string // lines of its configuration
	alive   io.Closer
}

// It ends at the end of its input, so also when the tests crash.
const untilEndOfInput = `exec 3<&0
mosquitto -c "$0" & pid=$!
{ read -r _ <&3; kill -KILL $pid; } 2>/dev/null &
wait $pid`

func startBroker(t *testing.T, options ...string) *mosquitto {
	t.Helper()
	b := &mosquitto{dir: t.TempDir(), options: options}
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.kill)
	return b
}

func (b *mosquitto) address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

// start tries another port if another program has taken the port first.
func (b *mosquitto) start() (err error) {
	keep := b.port != 0
	for try := 0; try < 5; try++ {
		if !keep {
			b.port = freePort()
		}
		if err = b.launch(); err == nil {
			return nil
		}
	}
	return err
}

func (b *mosquitto) launch() error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	// It runs as the present user. If root starts mosquitto, it changes to another user, who cannot read the files.
	conf := fmt.Sprintf("listener %d 127.0.0.1\nuser %s\nset_tcp_nodelay true\nmax_queued_messages 0\n%s\n",
		b.port, me.Username, strings.Join(b.options, "\n"))
	if !strings.Contains(conf, "allow_anonymous") {
		conf += "allow_anonymous true\n"
	}
	file := filepath.Join(b.dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(b.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command("sh", "-c", untilEndOfInput, file)
	process.Stdout, process.Stderr = log, log
	if b.alive, err = process.StdinPipe(); err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	for end := time.Now().Add(bound); time.Now().Before(end); {
		select {
		case err := <-ended:
			words, _ := os.ReadFile(log.Name())
			return fmt.Errorf("mosquitto: %v\n%s", err, words)
		case <-time.After(10 * time.Millisecond):
			if conn, err := net.Dial("tcp", b.address()); err == nil {
				conn.Close()
				return nil
			}
		}
	}
	b.kill()
	return fmt.Errorf("mosquitto does not listen")
}

// kill ends the broker as a power cut would, and returns when its port is free.
func (b *mosquitto) kill() {
	b.alive.Close()
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", b.address())
		if err != nil {
			return
		}
		conn.Close()
	}
}

func freePort() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func contextOf(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	return ctx
}

// create returns a client that is closed at the end of the test.
func create(t testing.TB, options pmqtt.Options) *pmqtt.Client {
	t.Helper()
	if options.Broker == "" {
		options.Broker = broker
	}
	client, err := pmqtt.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// connect creates a client, and connects it.
func connect(t testing.TB, options pmqtt.Options) *pmqtt.Client {
	t.Helper()
	client := create(t, options)
	must(t, client.Connect(contextOf(t)))
	return client
}

func subscribe(t testing.TB, client *pmqtt.Client, filter string, qos pmqtt.QoS, handler pmqtt.Handler) {
	t.Helper()
	granted, err := client.Subscribe(contextOf(t), filter, qos, handler)
	must(t, err)
	if granted != qos {
		t.Fatalf("asked for QoS %d, and %d was granted", qos, granted)
	}
}

func publish(t testing.TB, client *pmqtt.Client, topic, payload string, qos pmqtt.QoS) {
	t.Helper()
	must(t, client.Publish(contextOf(t), topic, []byte(payload), qos, false))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// receive takes the next value from a channel.
func receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case thing, open := <-from:
		if !open {
			t.Fatal("the channel is closed")
		}
		return thing
	case <-time.After(bound):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// isClosed takes the remaining values from a channel, and waits until it is closed.
func isClosed[T any](t testing.TB, from <-chan T) {
	t.Helper()
	timeout := time.After(bound)
	for {
		select {
		case _, open := <-from:
			if !open {
				return
			}
		case <-timeout:
			t.Fatal("the channel is not closed")
		}
	}
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal("not in time: " + what)
}

// atOnce fails if a call takes so long that it must have waited.
func atOnce(t testing.TB, call func()) {
	t.Helper()
	begin := time.Now()
	call()
	if took := time.Since(begin); took > 5*time.Second {
		t.Fatalf("it took %v", took)
	}
}
