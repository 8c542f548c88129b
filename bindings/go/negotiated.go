package pmqtt

// #include "bridge.h"
import "C"

import (
	"time"
	"unsafe"
)

// Negotiated is what applies to a connection, after CONNECT and CONNACK. In MQTT 3, the broker states none of the
// limits, so they have their largest values.
type Negotiated struct {
	// Version is MQTT31, MQTT311 or MQTT5.
	Version Protocol
	// ClientID is the id that identifies the client. With Options.ClientIDByBroker, the broker has chosen it.
	ClientID string
	// SessionExpiry is how long the broker keeps the session after the connection has ended. Forever: without limit.
	SessionExpiry time.Duration
	// KeepAlive is the keep alive interval: the broker's, or else that of the options; 0: none.
	KeepAlive time.Duration
	// ReceiveMaximum is how many messages of QoS 1 and 2 the broker accepts without having acknowledged them.
	ReceiveMaximum int
	// MaximumPacketSize is the largest packet that the broker accepts, in bytes.
	MaximumPacketSize int64
	// MaximumQoS is the largest QoS of a publish.
	MaximumQoS QoS
	// TopicAliasMaximum is how many topic aliases the broker accepts.
	TopicAliasMaximum int
	// RetainAvailable: the broker accepts retained messages.
	RetainAvailable bool
	// WildcardAvailable: the broker accepts wildcards in filters.
	WildcardAvailable bool
	// SubscriptionIDsAvailable: the broker accepts subscription identifiers; never in MQTT 3.
	SubscriptionIDsAvailable bool
	// SharedAvailable: the broker accepts shared subscriptions.
	SharedAvailable bool
	// Properties are those of CONNACK (MQTT 5), for example ResponseInfo and UserProperties; nil: none.
	Properties *Properties
}

// Negotiated returns what applies to the connection that OnConnect reported last. ErrNotConnected: that connection has
// ended, or there was none.
func (c *Client) Negotiated() (Negotiated, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return Negotiated{}, ErrClosed
	case !c.up:
		return Negotiated{}, ErrNotConnected
	}
	return c.negotiated, nil
}

// negotiate reads what applies to the connection, in the callback that reports it.
func (c *Client) negotiate(properties *Properties) Negotiated {
	var n C.pmqtt_negotiated
	n.struct_size = C.size_t(unsafe.Sizeof(n))
	C.pmqtt_negotiated_get(c.bridge.client, &n)
	return Negotiated{
		Version:                  Protocol(n.version),
		ClientID:                 C.GoString(C.pmqtt_client_id(c.bridge.client)),
		SessionExpiry:            time.Duration(n.session_expiry_s) * time.Second,
		KeepAlive:                time.Duration(n.keep_alive_s) * time.Second,
		ReceiveMaximum:           int(n.receive_maximum),
		MaximumPacketSize:        int64(n.maximum_packet_size),
		MaximumQoS:               QoS(n.maximum_qos),
		TopicAliasMaximum:        int(n.topic_alias_maximum),
		RetainAvailable:          bool(n.retain_available),
		WildcardAvailable:        bool(n.wildcard_available),
		SubscriptionIDsAvailable: bool(n.subscription_identifiers_available),
		SharedAvailable:          bool(n.shared_available),
		Properties:               properties,
	}
}
