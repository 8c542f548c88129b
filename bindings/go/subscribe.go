package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"sync"
	"unsafe"
)

// A Subscription is a filter with its options and its handler.
type Subscription struct {
	Filter string
	// QoS is the highest QoS at which the broker sends the messages.
	QoS QoS
	// NoLocal: the broker does not send what this client publishes (MQTT 5). Not with a shared subscription.
	NoLocal bool
	// RetainAsPublished: Message.Retained says how the message was published (MQTT 5).
	RetainAsPublished bool
	// RetainHandling selects when the broker sends retained messages (MQTT 5).
	RetainHandling RetainHandling
	// Handler gets the messages; nil: Options.OnMessage gets them.
	Handler Handler
	// Properties are those of SUBSCRIBE (MQTT 5): user properties.
	Properties *Properties
}

// RetainHandling selects when the broker sends retained messages because of a subscription.
type RetainHandling int

const (
	RetainAlways RetainHandling = C.PMQTT_RETAIN_ALWAYS // with each subscribe
	RetainIfNew  RetainHandling = C.PMQTT_RETAIN_IF_NEW // if the broker does not have the subscription yet
	RetainNever  RetainHandling = C.PMQTT_RETAIN_NEVER
)

// A subscription is what the program has subscribed to, and the channel that it got.
type subscription struct {
	Subscription
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
	return c.SubscribeWith(ctx, Subscription{Filter: filter, QoS: qos, Handler: handler})
}

// SubscribeWith subscribes as Subscribe does, with all that a Subscription has.
func (c *Client) SubscribeWith(ctx context.Context, wish Subscription) (granted QoS, err error) {
	return c.subscribe(ctx, &subscription{Subscription: wish})
}

// SubscribeChan subscribes to a filter, and sends its messages to a channel of the given capacity. Unsubscribe, Close,
// or another subscription to the filter closes the channel. A slow receiver delays the client's other handlers. A
// message is handled, and so acknowledged, when it is in the channel.
func (c *Client) SubscribeChan(ctx context.Context, filter string, qos QoS, capacity int) (<-chan *Message, error) {
	return c.SubscribeChanWith(ctx, Subscription{Filter: filter, QoS: qos}, capacity)
}

// SubscribeChanWith subscribes as SubscribeChan does, with all that a Subscription has. The Handler must be nil.
func (c *Client) SubscribeChanWith(ctx context.Context, wish Subscription, capacity int) (<-chan *Message, error) {
	if wish.Handler != nil {
		return nil, invalid("subscribe: there is a Handler and a channel")
	}
	s := &subscription{Subscription: wish, channel: make(chan *Message, capacity), gone: make(chan struct{})}
	s.Handler = s.send
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
	return c.UnsubscribeWith(ctx, filter, nil)
}

// UnsubscribeWith ends a subscription as Unsubscribe does, with properties of UNSUBSCRIBE (MQTT 5): user properties.
func (c *Client) UnsubscribeWith(ctx context.Context, filter string, properties *Properties) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := properties.encode(nil)
	if err != nil {
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
	r, err := c.await(C.bridge_unsubscribe(c.bridge, text, first(list), C.size_t(len(list))), nil)
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
	if err := checkString("subscribe: the filter", s.Filter); err != nil {
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
	route, id := c.route(s.Filter), uint64(0)
	if s.Handler != nil {
		id = route.id
	}
	r, err := c.requestSubscription(&s.Subscription, id, func(err error) {
		if err != nil {
			c.remove(s)
		}
	})
	if err == nil {
		route.added = route.added || s.Handler != nil
		c.assign(route, s).end() // goArrived waits for mu, so that no message comes before this
	}
	return r, err
}

// requestSubscription requests a subscription, with a callback for a route; 0: it leaves the callback as it is.
func (c *Client) requestSubscription(s *Subscription, route uint64, answered func(error)) (*request, error) {
	list, err := s.Properties.encode(nil)
	if err != nil {
		return nil, err
	}
	var wish C.pmqtt_subscription
	wish.struct_size = C.size_t(unsafe.Sizeof(wish))
	wish.filter = C.CString(s.Filter)
	defer freeAll(wish.filter)
	wish.qos, wish.retain_handling = C.int(s.QoS), toC(int(s.RetainHandling))
	wish.no_local, wish.retain_as_published = C.bool(s.NoLocal), C.bool(s.RetainAsPublished)
	return c.await(C.bridge_subscribe(c.bridge, &wish, C.uint64_t(route), first(list), C.size_t(len(list))), answered)
}

// resubscribe requests all subscriptions again from a broker that has no session of this client. It does so in the
// callback that reports the connection, and so before the messages in the queue are sent. mu is held.
func (c *Client) resubscribe(version Protocol) {
	for _, r := range c.routes {
		filter := r.filter
		tell := func(err error) {
			if err != nil && err != ErrConnLost && c.options.OnResubscribeFail != nil {
				c.hook(func() { c.options.OnResubscribeFail(filter, err) })
			}
		}
		wish := r.subscription.Load().Subscription
		if version == MQTT5 && wish.RetainHandling == RetainAlways {
			wish.RetainHandling = RetainIfNew // as after a connection that was never lost
		}
		_, err := c.requestSubscription(&wish, 0, tell)
		if err != nil && !errors.Is(err, ErrNotConnected) { // the program ends the connection
			c.later(func() { tell(err) })
		}
	}
}

// remove ends a subscription, unless another one has replaced it. mu is held.
func (c *Client) remove(s *subscription) {
	if r := c.route(s.Filter); r.subscription.Load() == s {
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
