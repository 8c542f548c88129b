package pmqtt_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A relay stands between a client and a broker, and can cut their connections.
type relay struct {
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
}

func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r := &relay{listener: listener}
	t.Cleanup(func() {
		listener.Close()
		r.cut()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, near, far)
			r.mu.Unlock()
			go io.Copy(near, far)
			go io.Copy(far, near)
		}
	}()
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		conn.Close()
	}
	r.conns = nil
}

func contains(text, part string) bool { return strings.Contains(text, part) }
