package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"os"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"time"
)

// How long Close waits for DISCONNECT to be written, and for the broker to end the connection.
const closeTimeout = time.Second

// A Client connects to a broker, and reconnects when the connection is lost. All methods are safe in any goroutine
// at any time, and in handlers. Close ends the client.
type Client struct {
	options Options
	handle  cgo.Handle
	bridge  *C.struct_bridge
	inbox   inbox

	// The loop: one goroutine, which waits in Go's poller until events is readable.
	events   *os.File
	stopping atomic.Bool
	finished chan struct{}

	// life ends with Close.
	life    context.Context
	endLife context.CancelFunc

	// step is held during each step of the loop, and by a call that excludes steps. It is locked before mu.
	step     sync.Mutex
	gathered []item // the events of the step's callbacks

	// mu is held during each request. So at most one OS thread is in the library for all requests, and an outcome
	// finds its request.
	mu         sync.Mutex
	closed     bool
	wanted     bool // Connect was called, and neither Disconnect nor a failure has ended it
	up         bool // a connection was reported to OnConnect, and its end was not reported
	negotiated Negotiated
	id         string
	head       []byte // the topic of a publish, with a NUL, and the properties
	publishes  map[uint64]*Token
	doubts     uint64 // publishes whose outcome was ErrInDoubt
	requests   map[uint64]*request
	asked      map[uint64]*request // the calls of Request
	connecting *request
	ending     *request
	exchange   exchange
	room       chan struct{} // closed when the queue has room for a publish again
	settled    chan struct{} // closed when no publish is without an outcome
	routes     []*route      // one for each subscribed filter, in the order of ids
	lastRoute  uint64
}

// New creates a client, which does nothing before Connect. It reads the files that the options name.
func New(options Options) (*Client, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	c := &Client{
		options:   options,
		finished:  make(chan struct{}),
		publishes: make(map[uint64]*Token),
		requests:  make(map[uint64]*request),
		asked:     make(map[uint64]*request),
		room:      make(chan struct{}),
	}
	c.life, c.endLife = context.WithCancel(context.Background())
	c.inbox.init(options.MaxPendingBytes)
	c.handle = cgo.NewHandle(c)
	c.bridge = C.bridge_new(C.uintptr_t(c.handle))
	if err := c.open(); err != nil {
		c.endLife()
		if c.events != nil {
			c.events.Close()
		}
		c.free()
		return nil, err
	}
	go c.loop()
	go c.deliver()
	return c, nil
}

func (c *Client) open() error {
	id := optional(c.options.ClientID)
	defer freeAll(id)
	rc := C.bridge_open(c.bridge, id, C.bool(!c.options.Durable), C.int(c.options.Protocol),
		C.bool(c.options.OnLog != nil), C.bool(c.options.OnDrained != nil), C.bool(c.options.OnRedirect != nil))
	if c.bridge.event_fd >= 0 {
		c.events = os.NewFile(uintptr(c.bridge.event_fd), "pmqtt")
	}
	if c.bridge.client == nil {
		return invalid("ClientID: it is needed for Durable, and has to be UTF-8 of 65,535 bytes at the most; " +
			"or else the protocol is unknown")
	}
	if err := c.lastError(rc); err != nil {
		return err
	}
	// Without the poller, the loop would never run.
	if err := c.events.SetReadDeadline(time.Time{}); err != nil {
		return newError(ErrOS, "the event descriptor cannot be polled: "+err.Error())
	}
	if err := c.apply(&c.options); err != nil {
		return err
	}
	if !c.options.ClientIDByBroker {
		c.id = C.GoString(C.pmqtt_client_id(c.bridge.client))
	}
	return nil
}

// ClientID returns the id in the options, or the generated one. With Options.ClientIDByBroker, it returns the id that
// the broker has chosen, or "" before the first connection.
func (c *Client) ClientID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Close disconnects, and ends the client. It takes a second at most. When Close returns, the connection is closed.
//
//   - From then on, each method that can fail returns ErrClosed.
//   - A publish without an outcome gets ErrClosed.
//   - Messages that wait for handlers are dropped, and not acknowledged.
//   - No handler and no hook is called any more. Close does not wait for one that runs, so a handler can call Close.
//
// To wait for outcomes, call Drain and Disconnect before Close.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.closed = true
	c.endLife()
	c.inbox.close()
	up := c.up
	ended, err := c.disconnect(0, nil)
	c.mu.Unlock()

	if up && err == nil {
		timer := time.NewTimer(closeTimeout)
		defer timer.Stop()
		select {
		case <-ended.done:
		case <-timer.C:
		}
	}
	c.stopping.Store(true)
	c.events.Close()
	<-c.finished

	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandon(ErrClosed)
	for len(c.routes) > 0 {
		c.endRoute(c.routes[0]).end()
	}
	c.free()
	return nil
}

// abandon gives err as the outcome to everything that has none. mu is held.
func (c *Client) abandon(err error) {
	for mid, token := range c.publishes {
		delete(c.publishes, mid)
		token.complete(err)
	}
	for mid, request := range c.requests {
		delete(c.requests, mid)
		request.complete(err)
	}
	for id := range c.asked {
		c.responded(id, nil, err)
	}
	for _, request := range []*request{c.connecting, c.ending} {
		request.complete(err)
	}
	c.connecting, c.ending = nil, nil
	c.reauthenticated(err)
	c.announceRoom()
	c.announceSettled()
}

func (c *Client) free() {
	C.bridge_free(c.bridge)
	c.bridge = nil
	c.handle.Delete()
}
