package pmqtt

// #include "bridge.h"
import "C"

import (
	"bytes"
	"sort"
	"sync/atomic"
	"unsafe"
)

// A route leads from a filter to the subscription that handles its messages when their turn comes. The library tells
// which filters a message matches, and in which order, when the message arrives.
type route struct {
	// id identifies the route in C. Ids increase.
	id     uint64
	filter string
	// added: the library has a callback for it.
	added bool
	// subscription is nil after the filter was unsubscribed.
	subscription atomic.Pointer[subscription]
	// alone is the way of a message that takes this route only.
	alone *way
}

// A way is the list of routes of a message, in order. It is immutable; messages share it.
type way struct {
	routes []*route
	// longer is the last way that was made from this one, with one more route. mu guards it.
	longer *way
}

func newRoute(id uint64, filter string) *route {
	r := &route{id: id, filter: filter}
	r.alone = &way{routes: []*route{r}}
	return r
}

// route finds the route of a filter, or creates one. mu is held.
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
func (c *Client) assign(r *route, s *subscription) (previous *subscription) {
	previous = r.subscription.Swap(s)
	if previous == nil {
		c.routes = append(c.routes, r)
	}
	return previous
}

// endRoute removes a route, and returns its subscription. mu is held.
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

// routeIndex returns the index where the route with an id is, or would be. mu is held.
func (c *Client) routeIndex(id uint64) int {
	return sort.Search(len(c.routes), func(i int) bool { return c.routes[i].id >= id })
}

// routeOf finds the route with an id. For a route that has ended, it returns one without a subscription. mu is held.
func (c *Client) routeOf(id uint64) *route {
	if at := c.routeIndex(id); at < len(c.routes) && c.routes[at].id == id {
		return c.routes[at]
	}
	return newRoute(id, "")
}

// goArrived gets messages in their order. A message that matches several filters arrives once for each, in
// succession.
//
//export goArrived
func goArrived(handle C.uintptr_t, first *C.struct_bridge_arrival, count C.size_t) {
	c := client(handle)
	c.mu.Lock()
	defer c.mu.Unlock()
	arrivals := unsafe.Slice(first, count)
	var r *route
	for i := range arrivals {
		id, event := uint64(arrivals[i].route), &arrivals[i].event
		if id == 0 {
			c.gather(event, nil)
			continue
		}
		if last := c.lastGathered(); last != nil && !last.way.has(id) && last.message.is(event) {
			last.way = c.further(last.way, id)
			continue
		}
		if r == nil || r.id != id {
			r = c.routeOf(id)
		}
		c.gather(event, r.alone)
	}
}

// further returns the way with one more route. mu is held.
func (c *Client) further(w *way, id uint64) *way {
	count := len(w.routes)
	if w.longer == nil || w.longer.routes[count].id != id {
		w.longer = &way{routes: append(w.routes[:count:count], c.routeOf(id))}
	}
	return w.longer
}

func (c *Client) gather(event *C.pmqtt_message, w *way) {
	message := c.messageOf(event)
	size := len(message.Topic) + len(message.Payload) + len(message.list) + messageOverhead
	c.gathered = append(c.gathered, item{message: message, way: w, size: size})
}

// messageOf copies a message.
func (c *Client) messageOf(event *C.pmqtt_message) *Message {
	return &Message{
		Topic:     C.GoStringN(event.topic, C.int(event.topic_len)),
		Payload:   C.GoBytes(event.payload, C.int(event.payload_len)),
		QoS:       QoS(event.qos),
		Retained:  bool(event.retain),
		Duplicate: bool(event.dup),
		client:    c,
		mid:       uint64(event.mid),
		list:      listOf(event.properties),
	}
}

// lastGathered returns the message that was gathered last, if it matches a filter.
func (c *Client) lastGathered() *item {
	if count := len(c.gathered); count > 0 && c.gathered[count-1].way != nil {
		return &c.gathered[count-1]
	}
	return nil
}

func (w *way) has(id uint64) bool {
	for _, r := range w.routes {
		if r.id == id {
			return true
		}
	}
	return false
}

// is tells whether an event belongs to this message, or to an identical one. The number alone does not tell: a broker
// may err, and use it twice.
func (m *Message) is(event *C.pmqtt_message) bool {
	if m.QoS != QoS(event.qos) || m.mid != uint64(event.mid) ||
		m.Topic != string(unsafe.Slice((*byte)(unsafe.Pointer(event.topic)), event.topic_len)) {
		return false
	}
	return m.QoS != AtMostOnce || m.Retained == bool(event.retain) && m.Duplicate == bool(event.dup) &&
		m.list == string(unsafe.Slice((*byte)(event.properties.data), event.properties.len)) &&
		bytes.Equal(m.Payload, unsafe.Slice((*byte)(event.payload), event.payload_len))
}
