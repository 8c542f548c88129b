package pmqtt

// #include <stdlib.h>
// #include <string.h>
// #include "bridge.h"
import "C"

import (
	"math"
	"net"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// Options say how a client connects, and what it is called back for. The zero value is a client with
// a clean session at the broker of this host.
type Options struct {
	// Broker is host:port, or a host alone: port 1883, or 8883 with TLS. Default: localhost.
	Broker string
	// SRV: Broker is a domain, and its SRV records (RFC 2782) name the hosts; "" is the domain of
	// this machine.
	SRV bool
	// BindAddress is the local IP address to connect from.
	BindAddress string

	// ClientID is what the broker knows the client by. Default: one is generated.
	ClientID string
	// Durable: the broker keeps the session while the client is away. It needs a ClientID.
	Durable bool
	// Protocol is MQTT311, the default, or MQTT31.
	Protocol Protocol

	// Without a Username no Password is sent.
	Username, Password string
	// Will is what the broker publishes when the connection ends without Disconnect or Close.
	Will *Publication
	// TLS secures the connection; nil: it is not secured.
	TLS *TLS

	// KeepAlive is after what silence the broker is asked whether it is there. Default: 60 s;
	// negative: never. As all of these times but ConnectTimeout, it is rounded up to seconds.
	KeepAlive time.Duration
	// ConnectTimeout bounds each step of connecting: look-up and TCP, TLS, CONNACK. Default: 10 s.
	ConnectTimeout time.Duration
	// ReconnectMin and ReconnectMax bound the wait before a lost connection is made again, which
	// doubles with each failure. Defaults: 1 s, 120 s.
	ReconnectMin, ReconnectMax time.Duration
	// RetryInterval is how long an answer may take until PINGREQ asks whether the broker has read the
	// message. If it has and stays silent for as long again, the message is sent once more.
	// Default: 5 s; negative: never.
	RetryInterval time.Duration

	// MaxInflight is how many messages of QoS 1 and 2 may be under way at once. Default: 20;
	// negative: as many as there are packet identifiers.
	MaxInflight int
	// MaxQueuedMessages is how many messages of QoS 1 and 2 may be unsettled. Default: any number.
	MaxQueuedMessages int
	// MaxQueuedBytes is how much may wait to be sent. Default: 64 MiB; negative: any amount.
	MaxQueuedBytes int
	// WhenFull is what becomes of a message that the queue has no room for. Default: it is refused.
	WhenFull WhenFull
	// NewestOnly: a message replaces the one of its topic that waits in the queue.
	NewestOnly bool
	// KeepQoS0: QoS 0 that is published without a connection waits for the next one.
	KeepQoS0 bool
	// MaxPacketSize is how large a packet from the broker may be, its header included: at least 5. A
	// larger one ends the connection with ErrPayloadTooLarge. Default: MQTT's own limit, 256 MiB.
	MaxPacketSize int
	// MaxPendingBytes is how much may wait for handlers; the package comment says what happens
	// then. Default: 64 MiB.
	MaxPendingBytes int

	// ManualAck: a message of QoS 1 and 2 is acknowledged by its Ack, not when its handlers return.
	// In any order: the library holds what is early, as PUBACKs go out in the order in which the messages came,
	// and so do PUBRECs.
	ManualAck bool

	// AckAtOnce: with ManualAck, each acknowledgement goes out at once, whatever order the broker expects.
	AckAtOnce bool

	// Each of these may be nil. They run where handlers run, in turn with them.

	// OnConnect: the broker has accepted a connection, the first or a later one.
	OnConnect func(sessionPresent bool)
	// OnDisconnect: a connection that OnConnect told of has ended; err is nil after Disconnect.
	OnDisconnect func(err error)
	// OnConnectFail: an attempt to connect again has failed. Connect returns its own failure.
	OnConnectFail func(err error)
	// OnResubscribeFail: the broker refused a subscription that it had granted on an earlier
	// connection. The next connection asks again.
	OnResubscribeFail func(filter string, err error)
	// OnMessage: a message came that no handler's filter matches.
	OnMessage Handler
	// OnWritable: there is room for what PublishAsync refused with ErrQueueFull.
	OnWritable func()
	// OnLog gets lines that tell what the client does. Those are dropped that come while
	// MaxPendingBytes wait.
	OnLog func(level LogLevel, line string)
	// LogLevel is the level that matters least of those that OnLog gets; 0: LogDebug, so all. Lines of
	// others are not made: with LogInfo a message costs no more than without OnLog.
	LogLevel LogLevel
}

// Protocol is a version of MQTT.
type Protocol int

const (
	MQTT31  Protocol = C.PMQTT_PROTOCOL_V31
	MQTT311 Protocol = C.PMQTT_PROTOCOL_V311
)

// WhenFull says what becomes of a message that the queue has no room for. Only messages that were never sent are
// dropped, and their outcome is ErrDropped.
type WhenFull int

const (
	RefuseNew  WhenFull = C.PMQTT_WHEN_FULL_REFUSE
	DropOldest WhenFull = C.PMQTT_WHEN_FULL_DROP_OLDEST // those make room that have waited longest
	DropQoS0   WhenFull = C.PMQTT_WHEN_FULL_DROP_QOS0   // those of QoS 0 do
)

// LogLevel is how much a line for OnLog matters.
type LogLevel int

const (
	LogInfo    LogLevel = C.PMQTT_LOG_INFO // each stage of connecting
	LogNotice  LogLevel = C.PMQTT_LOG_NOTICE
	LogWarning LogLevel = C.PMQTT_LOG_WARNING
	LogError   LogLevel = C.PMQTT_LOG_ERR   // why a connection ended
	LogDebug   LogLevel = C.PMQTT_LOG_DEBUG // each packet, in and out
)

const defaultPendingBytes = 64 << 20

// address takes Broker to pieces; port 0 is the default one.
func (o *Options) address() (host string, port int, err error) {
	if o.Broker == "" {
		return "localhost", 0, nil
	}
	host, service, err := net.SplitHostPort(o.Broker)
	if err != nil {
		return strings.Trim(o.Broker, "[]"), 0, nil
	}
	port, err = strconv.Atoi(service)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, invalid("Broker: " + o.Broker + " has no port from 1 to 65535")
	}
	return host, port, nil
}

// keepAlive is in seconds.
func (o *Options) keepAlive() int {
	switch {
	case o.KeepAlive == 0:
		return 60
	case o.KeepAlive < 0:
		return 0
	default:
		return seconds(o.KeepAlive)
	}
}

// check finds what C would read otherwise than it stands there.
func (o *Options) check() error {
	texts := map[string]string{"Broker": o.Broker, "BindAddress": o.BindAddress, "ClientID": o.ClientID,
		"Username": o.Username, "Password": o.Password}
	if o.Will != nil {
		texts["Will"] = o.Will.Topic
	}
	for what, text := range texts {
		if err := checkString(what, text); err != nil {
			return err
		}
	}
	if _, _, err := o.address(); err != nil && !o.SRV {
		return err
	}
	return o.TLS.check()
}

// apply makes the settings of a client that has just been made.
func (c *Client) apply(o *Options) error {
	client := c.bridge.client
	var set []func() C.int
	if o.Username != "" {
		set = append(set, func() C.int {
			username, password := C.CString(o.Username), optional(o.Password)
			defer freeAll(username)
			defer freeSecrets(password)
			return C.pmqtt_username_pw_set(client, username, password)
		})
	}
	if o.Will != nil {
		set = append(set, func() C.int {
			topic, payload := C.CString(o.Will.Topic), C.CBytes(o.Will.Payload)
			defer freeAll(topic, (*C.char)(payload))
			return C.pmqtt_will_set(client, topic, payload, C.size_t(len(o.Will.Payload)),
				C.int(o.Will.QoS), C.bool(o.Will.Retain))
		})
	}
	if o.ConnectTimeout != 0 {
		set = append(set, func() C.int {
			return C.pmqtt_connect_timeout_set(client, toC(int((o.ConnectTimeout+time.Millisecond-1)/time.Millisecond)))
		})
	}
	if o.ReconnectMin != 0 || o.ReconnectMax != 0 {
		set = append(set, func() C.int {
			min, max := 1, 120
			if o.ReconnectMin != 0 {
				min = seconds(o.ReconnectMin)
			}
			if o.ReconnectMax != 0 {
				max = seconds(o.ReconnectMax)
			} else if max < min {
				max = min
			}
			return C.pmqtt_reconnect_delay_set(client, toC(min), toC(max))
		})
	}
	if o.RetryInterval != 0 {
		set = append(set, func() C.int {
			return C.pmqtt_message_retry_set(client, toC(orNone(seconds(o.RetryInterval))))
		})
	}
	if o.MaxInflight != 0 {
		set = append(set, func() C.int {
			return C.pmqtt_max_inflight_messages_set(client, toC(orNone(o.MaxInflight)))
		})
	}
	if o.MaxQueuedMessages != 0 {
		set = append(set, func() C.int {
			return C.pmqtt_max_queued_messages_set(client, toC(o.MaxQueuedMessages))
		})
	}
	if o.WhenFull != RefuseNew || o.NewestOnly || o.KeepQoS0 {
		set = append(set, func() C.int {
			var options C.pmqtt_queue_options
			options.struct_size = C.size_t(unsafe.Sizeof(options))
			options.when_full = toC(int(o.WhenFull))
			options.newest_only = C.bool(o.NewestOnly)
			options.keep_qos0 = C.bool(o.KeepQoS0)
			return C.pmqtt_queue_options_set(client, &options)
		})
	}
	if o.MaxQueuedBytes != 0 {
		set = append(set, func() C.int {
			return C.pmqtt_max_queued_bytes_set(client, C.size_t(orNone(o.MaxQueuedBytes)))
		})
	}
	if o.MaxPacketSize != 0 {
		set = append(set, func() C.int {
			return C.pmqtt_max_packet_size_set(client, C.size_t(orNone(o.MaxPacketSize)))
		})
	}
	if o.LogLevel != 0 {
		set = append(set, func() C.int { return C.pmqtt_log_level_set(client, toC(int(o.LogLevel))) })
	}
	mode := C.int(C.PMQTT_ACK_IN_ORDER)
	if o.AckAtOnce {
		mode = C.PMQTT_ACK_AT_ONCE
	}
	// The client itself acknowledges what the program does not, once the handlers have returned.
	set = append(set, func() C.int { return C.pmqtt_manual_ack_set(client, mode) })

	for _, f := range set {
		if err := c.lastError(f()); err != nil {
			return err
		}
	}
	return c.applyTLS(o.TLS)
}

func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}

// toC keeps what is too large for an int of C as large as can be.
func toC(n int) C.int {
	if n > math.MaxInt32 {
		n = math.MaxInt32
	}
	return C.int(n)
}

// orNone: 0 is how C says without a limit, and negative how Go does, where 0 is the default.
func orNone(n int) int {
	if n < 0 {
		return 0
	}
	return n
}

// optional is NULL for an empty string.
func optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return C.CString(text)
}

func freeAll(texts ...*C.char) {
	for _, text := range texts {
		C.free(unsafe.Pointer(text))
	}
}

// freeSecrets wipes copies of what is secret, and frees them.
func freeSecrets(texts ...*C.char) {
	for _, text := range texts {
		if text != nil {
			wipe(unsafe.Pointer(text), int(C.strlen(text)))
		}
	}
	freeAll(texts...)
}

func wipe(memory unsafe.Pointer, size int) {
	bytes := unsafe.Slice((*byte)(memory), size)
	for i := range bytes {
		bytes[i] = 0
	}
}
