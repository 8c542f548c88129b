package pmqtt

// #include "bridge.h"
import "C"

import (
	"time"
	"unsafe"
)

// Stats is a snapshot of a client's figures.
type Stats struct {
	// Connected: the broker has accepted the connection, and it still stands.
	Connected bool
	// InFlight are messages of QoS 1 and 2 that were sent and not settled; Queued wait for room in
	// the window, or for a connection.
	InFlight, Queued uint64
	// QueuedBytes are kept for messages, or wait for the socket.
	QueuedBytes uint64
	// Unsettled is what Drain would wait for: QoS 0 not written, QoS 1 and 2 not settled.
	Unsettled uint64
	// MessagesIn came from the broker, DroppedIn of them were dropped because MaxPendingBytes
	// waited; MessagesOut are done.
	// AcksHeld wait for the acknowledgements of messages that came before.
	AcksHeld                           uint64
	MessagesIn, DroppedIn, MessagesOut uint64
	BytesIn, BytesOut                  uint64
	// DroppedOut made room for others in the queue, and were never sent.
	DroppedOut uint64
	// Cancelled were cancelled by the program.
	Cancelled uint64
	// Connections that the broker has accepted, the first included.
	Connections uint64
	// PingRoundTrip is from the last PINGREQ to its PINGRESP; 0 before the first.
	PingRoundTrip time.Duration
}

// Stats takes a snapshot; of a client that was closed, an empty one.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return Stats{}
	}
	var s C.pmqtt_statistics
	s.struct_size = C.size_t(unsafe.Sizeof(s))
	C.pmqtt_stats(c.bridge.client, &s)
	return Stats{
		Connected:     bool(s.connected),
		InFlight:      uint64(s.in_flight),
		Queued:        uint64(s.queued_messages),
		QueuedBytes:   uint64(s.queued_bytes),
		Unsettled:     uint64(s.unsettled),
		AcksHeld:      uint64(s.acks_held),
		MessagesIn:    uint64(s.messages_in),
		DroppedIn:     c.inbox.droppedMessages(),
		MessagesOut:   uint64(s.messages_out),
		DroppedOut:    uint64(s.messages_dropped),
		Cancelled:     uint64(s.messages_cancelled),
		BytesIn:       uint64(s.bytes_in),
		BytesOut:      uint64(s.bytes_out),
		Connections:   uint64(s.connections),
		PingRoundTrip: time.Duration(s.ping_round_trip_us) * time.Microsecond,
	}
}
