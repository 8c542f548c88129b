package pmqtt

// #include "bridge.h"
import "C"

// A Message is a message from the broker. It belongs to the program, which can keep the message and its payload.
type Message struct {
	Topic   string
	Payload []byte
	QoS     QoS
	// Retained: the broker had stored the message, and sent it because of a new subscription. Or the message was
	// published as a retained one, and the subscription has RetainAsPublished.
	Retained bool
	// Duplicate: the broker has possibly sent the message before.
	Duplicate bool

	client *Client
	mid    uint64
	// list has the properties in the bytes of the packet: most programs do not look at them.
	list string
}

// Properties returns the properties of the message (MQTT 5), or nil if there are none. Each call reads them anew.
func (m *Message) Properties() *Properties { return parseProperties(m.list) }

// A Handler receives messages. A client calls all its handlers one at a time.
type Handler func(message *Message)

// Ack acknowledges a message of QoS 1 or 2, so the broker can forget it. Options.ManualAck leaves that to the program.
//
// ErrNotFound has one of these reasons:
//
//   - The message is already acknowledged.
//   - QoS 1: the connection on which the message came has ended. The broker sends the message again.
//   - QoS 2: the broker has lost the session in which the message came.
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

// AckWith acknowledges a message as Ack does, with a reason code and properties of MQTT 5. A reason of 0x80 or more
// refuses the message: 0x80, 0x83, 0x87, 0x90, 0x91, 0x97 or 0x99. The properties can be a reason string and user
// properties. Without Options.ManualAck, a handler can call AckWith before it returns. A message of QoS 0 has no
// acknowledgement: ErrNotFound.
func (m *Message) AckWith(reason int, properties *Properties) error {
	list, err := properties.encode(nil)
	if err != nil {
		return err
	}
	c := m.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return c.lastError(C.bridge_ack(c.bridge, C.uint64_t(m.mid), C.int(m.QoS), C.int(reason), first(list),
		C.size_t(len(list))))
}

// handOver calls the handlers of a message, and then acknowledges it.
func (c *Client) handOver(message *Message, w *way) {
	matched := false
	if w != nil {
		for _, r := range w.routes {
			if s := r.subscription.Load(); s != nil && s.Handler != nil {
				matched = true
				s.Handler(message)
			}
		}
	}
	// A message has no handler any more, too, where Close has ended all subscriptions.
	ended := w != nil && c.inbox.isClosed()
	if !matched && !ended && c.options.OnMessage != nil {
		c.options.OnMessage(message)
	}
	if !c.options.ManualAck {
		message.Ack() // fails if the connection is gone: the broker then sends it again
	}
}

// deliver calls handlers and hooks, one at a time, until the client is closed.
func (c *Client) deliver() {
	for items := c.inbox.take(nil); items != nil; items = c.inbox.take(items) {
		for i, it := range items {
			if it.message != nil {
				c.handOver(it.message, it.way)
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
