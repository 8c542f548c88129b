package pmqtt

// #include "bridge.h"
import "C"

// A Message is what the broker sent. It belongs to the program, which may keep it, payload included.
type Message struct {
	Topic   string
	Payload []byte
	QoS     QoS
	// Retained: the broker sent it because of a new subscription, out of its store.
	Retained bool
	// Duplicate: the broker may have sent it before.
	Duplicate bool

	client *Client
	mid    uint64
}

// A Handler is called with messages, one after the other.
type Handler func(message *Message)

// Ack acknowledges a message of QoS 1 or 2, where Options.ManualAck leaves that to the program: the
// broker may forget it then. ErrNotFound: that was done already, or the connection on which it came
// has ended, and the broker sends it again; at QoS 2 the session, which the broker has forgotten.
func (m *Message) Ack() error {
	if m.QoS == AtMostOnce {
		return nil
	}
	c := m.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return c.lastError(C.pmqtt_ack(c.bridge.client, C.uint64_t(m.mid), C.int(m.QoS)))
}

// handOver calls the handlers of a message, and acknowledges it then.
func (c *Client) handOver(message *Message) {
	matched := false
	for _, s := range *c.subscriptions.Load() {
		if s.handler != nil && matches(s.filter, message.Topic) {
			matched = true
			s.handler(message)
		}
	}
	if !matched && c.options.OnMessage != nil {
		c.options.OnMessage(message)
	}
	if !c.options.ManualAck {
		message.Ack() // it cannot be helped where the connection is gone: the broker sends it again
	}
}

// deliver calls handlers and hooks, one after the other, until the client is closed.
func (c *Client) deliver() {
	for items := c.inbox.take(nil); items != nil; items = c.inbox.take(items) {
		for i, it := range items {
			if it.message != nil {
				c.handOver(it.message)
			} else {
				it.call()
			}
			items[i] = item{}
			if !c.inbox.release(it.size) {
				break
			}
		}
	}
}
