package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
)

// Connect connects to the broker. It makes one attempt, and returns when the broker has accepted or refused the
// connection, or when the attempt has failed. If the context ends first, Connect gives up the attempt. No hook reports
// an attempt that Disconnect, Close or the context has ended, even if the broker still answers.
//
// If the connection is lost later, the client tries to reconnect until it succeeds. OnDisconnect reports the loss,
// OnConnectFail each failed attempt, and OnConnect the new connection. If the broker then has no session of the client,
// the client makes all its subscriptions again.
//
// If the client already has a connection, the new one replaces it. ErrBusy: another call of Connect is in progress.
func (c *Client) Connect(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	attempt, err := c.connect()
	if err != nil {
		return err
	}
	select {
	case <-attempt.done:
		return attempt.err
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.connecting == attempt {
			c.connectDone(ctx.Err())
			c.disconnect(0, nil)
		}
		return attempt.err
	}
}

func (c *Client) connect() (*request, error) {
	// The events of a step about an earlier attempt must not count for this one.
	c.step.Lock()
	defer c.step.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if c.connecting != nil {
		return nil, ErrBusy
	}
	attempt := newRequest()
	if err := c.connectAsync(); err != nil {
		return nil, err
	}
	c.connecting = attempt
	c.wanted = true
	c.inbox.expect()
	return attempt, nil
}

func (c *Client) connectAsync() error {
	client, keepAlive := c.bridge.client, toC(c.options.keepAlive())
	bind := optional(c.options.BindAddress)
	defer freeAll(bind)
	if c.options.SRV {
		domain := optional(c.options.Broker)
		defer freeAll(domain)
		return c.lastError(C.pmqtt_connect_srv_async(client, domain, keepAlive, bind))
	}
	name, port, err := c.options.address()
	if err != nil {
		return err
	}
	host := C.CString(name)
	defer freeAll(host)
	return c.lastError(C.pmqtt_connect_async(client, host, C.int(port), keepAlive, bind))
}

// Disconnect ends the connection. It writes the messages that Options.MaxInflight allows, and then DISCONNECT, so the
// broker does not publish the will. It returns when the connection has ended. If the context ends first, Disconnect
// returns the context's error, and the client still ends the connection.
//
// ErrNotConnected: there was no connection. If the client was connecting, Disconnect has given up the attempt.
func (c *Client) Disconnect(ctx context.Context) error {
	return c.DisconnectWith(ctx, 0, nil)
}

// DisconnectWith ends the connection as Disconnect does, with a reason code and properties of MQTT 5. With 0x04, the
// broker publishes the will; this works with MQTT 3, too. The errors 0x80 to 0x83, 0x90 and 0x93 to 0x99 are the other
// reasons. The properties can be SessionExpiry, ReasonString and user properties. After ErrInvalid or ErrNotSupported,
// nothing has changed.
func (c *Client) DisconnectWith(ctx context.Context, reason int, properties *Properties) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := properties.encode(nil)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	ended, err := c.disconnect(reason, list)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return ended.wait(ctx)
}

// disconnect requests the end of the connection, or of the attempt, from the library. It returns ErrNotConnected if
// there is no connection; the client then does not connect again. After another error, nothing has changed. mu is held.
func (c *Client) disconnect(reason int, list []byte) (*request, error) {
	err := c.lastError(C.bridge_disconnect(c.bridge, C.int(reason), first(list), C.size_t(len(list))))
	if err != nil && !errors.Is(err, ErrNotConnected) {
		return nil, err
	}
	c.wanted = false
	c.connectDone(newError(ErrNotConnected, "connect: given up, because of a call of Disconnect or Close"))
	if err != nil {
		c.announceSettled()
		return nil, err
	}
	if c.ending == nil {
		c.ending = newRequest()
		c.inbox.expect()
	}
	return c.ending, nil
}

// connectDone gives a waiting Connect its outcome, and returns false if none waits. mu is held.
func (c *Client) connectDone(err error) bool {
	attempt := c.connecting
	if attempt == nil {
		return false
	}
	c.connecting = nil
	c.inbox.settled(1)
	attempt.complete(err)
	return true
}

// IsConnected reports whether the client is connected: the broker has accepted the connection, the connection has not
// ended, and Disconnect was not called. The client notices a dead broker only later, depending on Options.KeepAlive.
func (c *Client) IsConnected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && bool(C.pmqtt_is_connected(c.bridge.client))
}

// The loop calls the functions below in a step.

// isNews tells whether to report an accepted connection or a failed attempt. It returns false if the attempt was
// given up, because Connect has returned then, and if its end was requested. mu is held.
func (c *Client) isNews() bool {
	return c.wanted && c.ending == nil
}

func (c *Client) connected(sessionPresent bool, negotiated Negotiated) {
	c.mu.Lock()
	isNews := c.isNews()
	if isNews {
		c.connectDone(nil)
		c.up = true
		c.negotiated = negotiated
		c.id = negotiated.ClientID
	}
	c.mu.Unlock()
	if isNews && c.options.OnConnect != nil {
		c.hook(func() { c.options.OnConnect(sessionPresent) })
	}
}

// connectFailed reports a failed attempt: to Connect, which then makes no other attempt, or else to the hook. The
// library reports ErrNotConnected for an attempt that the program gave up or replaced.
func (c *Client) connectFailed(err error) {
	c.mu.Lock()
	isNews := c.isNews() && !errors.Is(err, ErrNotConnected)
	told := isNews && c.connectDone(err)
	if told {
		c.disconnect(0, nil)
	}
	c.mu.Unlock()
	if isNews && !told && c.options.OnConnectFail != nil {
		c.hook(func() { c.options.OnConnectFail(err) })
	}
}

func (c *Client) disconnected(err error) {
	c.mu.Lock()
	if c.ending != nil {
		c.ending.complete(err)
		c.ending = nil
		c.inbox.settled(1)
	}
	c.announceSettled()
	wasUp := c.up
	c.up = false
	c.mu.Unlock()
	if wasUp && c.options.OnDisconnect != nil {
		c.hook(func() { c.options.OnDisconnect(err) })
	}
}

// hook queues a call of a function of the program, which may be nil, behind the items for handlers.
func (c *Client) hook(call func()) {
	if call != nil {
		c.inbox.put(item{call: call})
	}
}
