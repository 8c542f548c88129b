package pmqtt

// #include "bridge.h"
import "C"

import (
	"time"
	"unsafe"
)

// Stats is a snapshot of the figures of a client.
type Stats struct {
	// Connected: the broker has accepted the connection, and the connection has not ended.
	Connected bool
	// InFlight counts messages of QoS 1 and 2 that were sent on the present connection, and still need an answer of
	// the broker. Queued counts messages that wait for a connection, or because Options.MaxInflight messages are in
	// flight.
	InFlight, Queued uint64
	// QueuedBytes counts bytes that are kept for messages, or wait for the socket.
	QueuedBytes uint64
	// Unsettled counts messages without an outcome, and requests to subscribe or unsubscribe without an answer.
	Unsettled uint64
	// AcksHeld counts acknowledgements that wait for those of earlier messages.
	AcksHeld uint64
	// MessagesIn counts messages from the broker. DroppedIn counts those that the client dropped, because
	// MaxPendingBytes bytes waited for handlers. MessagesOut counts messages that were published with success:
	// QoS 0 is written, QoS 1 and 2 are acknowledged by the broker.
	MessagesIn, DroppedIn, MessagesOut uint64
	// BytesIn and BytesOut count the bytes of MQTT that were read and written.
	BytesIn, BytesOut uint64
	// DroppedOut counts messages that the queue dropped, as WhenFull and NewestOnly say. They were never sent.
	DroppedOut uint64
	// Cancelled counts messages that the program cancelled.
	Cancelled uint64
	// Rejected counts messages that the broker refused, or does not take (MQTT 5).
	Rejected uint64
	// ResponsesDropped counts messages on the response topic of Request that no request waited for: late and doubled
	// responses, and those of strangers.
	ResponsesDropped uint64
	// Expired counts messages that were not sent within their time limit (Publication.Expiry).
	Expired uint64
	// Connections counts connections that the broker has accepted, the first included.
	Connections uint64
	// PingRoundTrip is the time from the last answered PINGREQ to its PINGRESP; 0 before the first PINGRESP.
	PingRoundTrip time.Duration
}

// Stats returns a snapshot. After Close, all its fields are zero.
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
		Connected:        bool(s.connected),
		InFlight:         uint64(s.in_flight),
		Queued:           uint64(s.queued_messages),
		QueuedBytes:      uint64(s.queued_bytes),
		Unsettled:        uint64(s.unsettled),
		AcksHeld:         uint64(s.acks_held),
		MessagesIn:       uint64(s.messages_in),
		DroppedIn:        c.inbox.droppedMessages(),
		MessagesOut:      uint64(s.messages_out),
		DroppedOut:       uint64(s.messages_dropped),
		Cancelled:        uint64(s.messages_cancelled),
		Rejected:         uint64(s.messages_rejected),
		Expired:          uint64(s.messages_expired),
		ResponsesDropped: uint64(s.responses_dropped),
		BytesIn:          uint64(s.bytes_in),
		BytesOut:         uint64(s.bytes_out),
		Connections:      uint64(s.connections),
		PingRoundTrip:    time.Duration(s.ping_round_trip_us) * time.Microsecond,
	}
}
