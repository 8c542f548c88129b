package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"sync"
)

// A subscription is a filter with its QoS, and its handler or channel.
type subscription struct {
	filter  string
	qos     QoS
	handler Handler
	// For SubscribeChan: the channel for messages, the channel whose closing ends it, and the lock for sending a
	// message.
	channel chan *Message
	gone    chan struct{}
	sending sync.Mutex
}

// Subscribe subscribes to a filter, and sets the handler of its messages. When the broker has answered, Subscribe
// returns the QoS that the broker grants, or ErrDenied. If the context ends first, Subscribe returns the context's
// error at once, and the request goes on.
//
//   - A filter has one handler. A new one replaces the old one, even if the broker then refuses.
//   - If several filters match a message, the handler of each is called, in the order of the first subscription.
//   - If handler is nil, Options.OnMessage gets the messages. OnMessage also gets messages that came before Subscribe,
//     and messages that waited when Unsubscribe removed their handler.
func (c *Client) Subscribe(ctx context.Context, filter string, qos QoS, handler Handler) (granted QoS, err error) {
	return c.subscribe(ctx, &subscription{filter: filter, qos: qos, handler: handler})
}

// SubscribeChan subscribes to a filter, and sends its messages to a channel of the given capacity. Unsubscribe, Close,
// or another subscription to the filter closes the channel. A slow receiver delays the client's other handlers. A
// message is handled, and so acknowledged, when it is in the channel.
func (c *Client) SubscribeChan(ctx context.Context, filter string, qos QoS, capacity int) (<-chan *Message, error) {
	s := &subscription{filter: filter, qos: qos, channel: make(chan *Message, capacity), gone: make(chan struct{})}
	s.handler = s.send
	if _, err := c.subscribe(ctx, s); err != nil {
		// The broker may still grant the subscription, but its channel has no receiver.
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remove(s)
		return nil, err
	}
	return s.channel, nil
}

// Unsubscribe ends a subscription. From the start of the call, the handler gets no further message, and the client does
// not subscribe again after a reconnect. This holds even if the request fails. Unsubscribe returns when the broker has
// confirmed the request. It returns an error if the request cannot be sent or is not answered. If the context has
// already ended, Unsubscribe does nothing. If the handler is running, that call finishes.
func (c *Client) Unsubscribe(ctx context.Context, filter string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkString("unsubscribe: the filter", filter); err != nil {
		return err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.endRoute(c.route(filter)).end()
	text := C.CString(filter)
	r, err := c.await(C.bridge_unsubscribe(c.bridge, text), nil)
	freeAll(text)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return r.wait(ctx)
}

func (c *Client) subscribe(ctx context.Context, s *subscription) (QoS, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := checkString("subscribe: the filter", s.filter); err != nil {
		return 0, err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, ErrClosed
	}
	r, err := c.requestNew(s)
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	err = r.wait(ctx)
	if err != nil {
		return 0, err
	}
	return r.granted, nil
}

// requestNew requests a new subscription. The subscription gets messages when the library has accepted the request, and
// not before: nobody receives from the channel of a refused request. mu is held.
func (c *Client) requestNew(s *subscription) (*request, error) {
	route := c.route(s.filter)
	if s.handler != nil {
		if err := c.add(route); err != nil {
			return nil, err
		}
	}
	r, err := c.requestSubscription(s, func(err error) {
		if err != nil {
			c.remove(s)
		}
	})
	switch {
	case err == nil:
		c.assign(route, s).end() // goArrived waits for mu, so that no message comes before this
	case route.subscription.Load() == nil:
		c.endRoute(route)
	}
	return r, err
}

func (c *Client) requestSubscription(s *subscription, answered func(error)) (*request, error) {
	filter := C.CString(s.filter)
	defer freeAll(filter)
	return c.await(C.bridge_subscribe(c.bridge, filter, C.int(s.qos)), answered)
}

// resubscribe requests all subscriptions again from a broker that has no session of this client. mu is held.
func (c *Client) resubscribe() {
	for _, r := range c.routes {
		filter := r.filter
		tell := func(err error) {
			if err != nil && err != ErrConnLost && c.options.OnResubscribeFail != nil {
				c.hook(func() { c.options.OnResubscribeFail(filter, err) })
			}
		}
		if _, err := c.requestSubscription(r.subscription.Load(), tell); err != nil {
			tell(err)
		}
	}
}

// remove ends a subscription, unless another one has replaced it. mu is held.
func (c *Client) remove(s *subscription) {
	if r := c.route(s.filter); r.subscription.Load() == s {
		c.endRoute(r).end()
	}
}

func (s *subscription) send(message *Message) {
	s.sending.Lock()
	defer s.sending.Unlock()
	select {
	case <-s.gone:
		return // the channel is closed
	default:
	}
	select {
	case s.channel <- message:
	case <-s.gone:
	}
}

// end closes the channel, if there is one, of a removed subscription.
func (s *subscription) end() {
	if s == nil || s.channel == nil {
		return
	}
	close(s.gone)
	s.sending.Lock()
	defer s.sending.Unlock()
	close(s.channel)
}
