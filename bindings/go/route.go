package pmqtt

// #include "bridge.h"
import "C"

import (
	"bytes"
	"sort"
	"sync/atomic"
	"unsafe"
)

// A route leads from a filter to whoever handles its messages when their turn comes. Which filters a message
// matches, and in which order, the library says when it comes.
type route struct {
	// id is what C knows it by, and counts up.
	id     uint64
	filter string
	// added: the library has a handler for it.
	added bool
	// subscription is nil when nobody is subscribed to the filter any more.
	subscription atomic.Pointer[subscription]
	// alone is the routes of a message that goes no other way.
	alone []*route
}

func newRoute(id uint64, filter string) *route {
	r := &route{id: id, filter: filter}
	r.alone = []*route{r}
	return r
}

// route finds the route of a filter, or makes one. mu is held.
func (c *Client) route(filter string) *route {
	for _, r := range c.routes {
		if r.filter == filter {
			return r
		}
	}
	c.lastRoute++
	return newRoute(c.lastRoute, filter)
}

// assign gives a route a subscription, and returns the one it had. mu is held.
func (c *Client) assign(r *route, s *subscription) (previous *subscription, err error) {
	if s.handler != nil && !r.added {
		filter := C.CString(r.filter)
		defer freeAll(filter)
		if err := c.lastError(C.bridge_route_add(c.bridge, filter, C.uint64_t(r.id))); err != nil {
			return nil, err
		}
		r.added = true
	}
	previous = r.subscription.Swap(s)
	if previous == nil {
		c.routes = append(c.routes, r)
	}
	return previous, nil
}

// endRoute takes a route away, and returns the subscription it had. mu is held.
func (c *Client) endRoute(r *route) *subscription {
	if at := c.routeIndex(r.id); at < len(c.routes) && c.routes[at] == r {
		c.routes = append(c.routes[:at], c.routes[at+1:]...)
	}
	if r.added {
		filter := C.CString(r.filter)
		C.pmqtt_message_callback_remove(c.bridge.client, filter)
		freeAll(filter)
		r.added = false
	}
	return r.subscription.Swap(nil)
}

// routeIndex is where the route of a number is, or would be. mu is held.
func (c *Client) routeIndex(id uint64) int {
	return sort.Search(len(c.routes), func(i int) bool { return c.routes[i].id >= id })
}

// routeOf finds the route of a number; one that has ended leads to nobody. mu is held.
func (c *Client) routeOf(id uint64) *route {
	if at := c.routeIndex(id); at < len(c.routes) && c.routes[at].id == id {
		return c.routes[at]
	}
	return newRoute(id, "")
}

// goArrived is told of messages in their order: of one that several filters match once for each, one after
// the other.
//
//export goArrived
func goArrived(handle C.uintptr_t, first *C.struct_bridge_arrival, count C.size_t) {
	c := client(handle)
	c.mu.Lock()
	defer c.mu.Unlock()
	arrivals := unsafe.Slice(first, count)
	for i := range arrivals {
		id, event := uint64(arrivals[i].route), &arrivals[i].event
		if id == 0 {
			c.gather(event, nil)
		} else if last := c.lastGathered(); last != nil && !last.goes(id) && last.message.is(event) {
			last.routes = append(last.routes[:len(last.routes):len(last.routes)], c.routeOf(id))
		} else {
			c.gather(event, c.routeOf(id).alone)
		}
	}
}

func (c *Client) gather(event *C.pmqtt_message, routes []*route) {
	message := &Message{
		Topic:     C.GoStringN(event.topic, C.int(event.topic_len)),
		Payload:   C.GoBytes(event.payload, C.int(event.payload_len)),
		QoS:       QoS(event.qos),
		Retained:  bool(event.retain),
		Duplicate: bool(event.dup),
		client:    c,
		mid:       uint64(event.mid),
	}
	size := len(message.Topic) + len(message.Payload) + messageOverhead
	c.gathered = append(c.gathered, item{message: message, routes: routes, size: size})
}

// lastGathered is the message that was gathered right before, if it has routes.
func (c *Client) lastGathered() *item {
	if count := len(c.gathered); count > 0 && c.gathered[count-1].routes != nil {
		return &c.gathered[count-1]
	}
	return nil
}

func (it *item) goes(id uint64) bool {
	for _, r := range it.routes {
		if r.id == id {
			return true
		}
	}
	return false
}

// is tells whether an event is of that message, or of one of QoS 0 that nobody could tell from it.
func (m *Message) is(event *C.pmqtt_message) bool {
	if m.QoS != QoS(event.qos) || m.mid != uint64(event.mid) {
		return false
	}
	return m.QoS != AtMostOnce || m.Retained == bool(event.retain) && m.Duplicate == bool(event.dup) &&
		m.Topic == string(unsafe.Slice((*byte)(unsafe.Pointer(event.topic)), event.topic_len)) &&
		bytes.Equal(m.Payload, unsafe.Slice((*byte)(event.payload), event.payload_len))
}
