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

// Options set how a client connects, what it queues, and which functions it calls. The zero value is a client with a
// clean session that connects to localhost.
type Options struct {
	// Broker is host:port or host. The default port is 1883, or 8883 with TLS. Default: localhost.
	Broker string
	// SRV: if true, Broker is a domain whose SRV records (RFC 2782) name the hosts. An empty Broker is then the domain
	// of this machine.
	SRV bool
	// BindAddress is the local IP address to connect from.
	BindAddress string

	// ClientID identifies the client to the broker. Default: a generated id.
	ClientID string
	// Durable: the broker keeps the session while the client is not connected. It needs a ClientID.
	Durable bool
	// Protocol is MQTT311, the default, or MQTT31, MQTT5 or MQTTBest.
	Protocol Protocol

	// Username and Password authenticate the client. Without a Username, no Password is sent.
	Username, Password string
	// Will is the message that the broker publishes if the connection ends without Disconnect or Close.
	Will *Publication
	// WillDelay is how long the broker waits before it publishes the will (MQTT 5). It does not publish the will if the
	// client connects again meanwhile and the broker has the session. The end of the session ends the delay.
	WillDelay time.Duration
	// TLS secures the connection; nil: no TLS.
	TLS *TLS

	// The options up to SCRAM need MQTT5.

	// CleanStart selects on which connections the broker discards the session. Default: as Durable says.
	CleanStart CleanStart
	// SessionExpiry is how long the broker keeps the session after the connection has ended; Forever: without limit.
	// Default: Forever with Durable, or else not at all.
	SessionExpiry time.Duration
	// ReceiveMaximum is how many messages of QoS 1 and 2 the broker may send without an acknowledgement. Default:
	// 65,535, the largest number.
	ReceiveMaximum int
	// TopicAliasSend is how many topic aliases the client uses, if the broker accepts as many. Default: none; negative:
	// none. TopicAliasReceive is how many the broker may use. Default: 16; negative: none. A Message always has the
	// full topic.
	TopicAliasSend, TopicAliasReceive int
	// RequestResponseInfo: the broker may send Properties.ResponseInfo, which Negotiated returns.
	RequestResponseInfo bool
	// NoProblemInfo: the broker sends no reason strings and no user properties, except with messages, and when it
	// accepts, refuses or ends a connection.
	NoProblemInfo bool
	// ClientIDByBroker: the broker chooses the client id on the first connection. The client keeps it for the later
	// ones. Method ClientID returns it.
	ClientIDByBroker bool
	// UserProperties are those of CONNECT.
	UserProperties []UserProperty
	// Authenticator or SCRAM answers in an enhanced authentication.
	Authenticator Authenticator
	SCRAM         *SCRAM

	// KeepAlive is the time after which the client sends PINGREQ, if it has sent nothing or received nothing meanwhile.
	// Default: 60 s; negative: never. All times here except ConnectTimeout are rounded up to seconds.
	KeepAlive time.Duration
	// ConnectTimeout limits the time for DNS, TCP and TLS, and then the time until CONNACK. Default for each: 10 s.
	ConnectTimeout time.Duration
	// ReconnectMin and ReconnectMax are the limits of the delay before a reconnect. The delay doubles with each
	// failure. Defaults: 1 s, 120 s.
	ReconnectMin, ReconnectMax time.Duration
	// RetryInterval is the time that the broker has to answer a message. After that, the client sends PINGREQ, which
	// shows whether the broker has read the message. If it has, and does not answer for the same time again, the client
	// sends the message once more. Default: 5 s; negative: never.
	RetryInterval time.Duration

	// MaxInflight is the limit of messages of QoS 1 and 2 in flight. Default: 20; negative: as many as there are packet
	// identifiers.
	MaxInflight int
	// MaxQueuedMessages is the limit of unsettled messages of QoS 1 and 2. Default: no limit.
	MaxQueuedMessages int
	// MaxQueuedBytes is the limit of bytes that wait in the queue. Default: 64 MiB; negative: no limit.
	MaxQueuedBytes int
	// WhenFull selects what a full queue does with a new message. Default: refuse it.
	WhenFull WhenFull
	// NewestOnly: a message replaces the one of the same topic that waits in the queue.
	NewestOnly bool
	// KeepQoS0: a QoS 0 message that is published without a connection waits for the next one.
	KeepQoS0 bool
	// MaxPacketSize is the largest size of a packet from the broker, header included; at least 5. A larger packet ends
	// the connection with ErrPayloadTooLarge. Default: the limit of MQTT, 256 MiB.
	MaxPacketSize int
	// MaxPendingBytes is the limit of bytes that wait for handlers. The package comment says what happens at the limit.
	// Default: 64 MiB.
	MaxPendingBytes int

	// ManualAck: the program acknowledges messages of QoS 1 and 2 with Message.Ack, in any order. The client does not
	// acknowledge them when the handlers have returned. The library sends PUBACKs in the order in which the messages
	// came, and holds a PUBACK until all earlier ones are sent. It treats PUBRECs in the same way.
	ManualAck bool

	// AckAtOnce: with ManualAck, the library sends each acknowledgement at once, also if it is out of order.
	AckAtOnce bool

	// OnRedirect decides whether the client follows the broker's wish to use another server (MQTT 5); nil: never. If it
	// returns true, the client connects to the other server at once, with the credentials and messages for the broker,
	// and with the same TLS options. A Connect that waits then returns the outcome of that connection. If it returns
	// false, the connection ends with the broker's reason. The client does not follow more than 5 redirects in a row.
	//
	// Unlike a hook, OnRedirect has a goroutine of its own. The client does nothing else until it returns, so
	// it must not wait for the client. After ConnectTimeout, and with Close, the client does not follow.
	OnRedirect func(redirect Redirect) (follow bool)

	// The hooks. Each can be nil. They run one at a time with the handlers, on the same goroutine.

	// OnConnect: the broker has accepted a connection, the first one or a later one.
	OnConnect func(sessionPresent bool)
	// OnDisconnect: a connection that OnConnect reported has ended; err is nil after Disconnect. If the broker sent a
	// DISCONNECT (MQTT 5), err is an Error with its Reason and Properties.
	OnDisconnect func(err error)
	// OnConnectFail: an attempt to reconnect has failed. Connect returns its own failure.
	OnConnectFail func(err error)
	// OnResubscribeFail: after a reconnect, the client could not make a subscription again, for example because the
	// broker refused it. The client tries again on the next connection.
	OnResubscribeFail func(filter string, err error)
	// OnMessage gets each message that no handler gets.
	OnMessage Handler
	// OnWritable: the queue has room for the message that PublishAsync refused with ErrQueueFull.
	OnWritable func()
	// OnDrained: the last open message or request has its outcome, so all are settled.
	OnDrained func()
	// OnLog gets lines that describe what the client does. Further lines are dropped while MaxPendingBytes bytes wait.
	OnLog func(level LogLevel, line string)
	// LogLevel is the least important level that OnLog gets; 0: LogDebug, that is all lines. The client does not make
	// other lines: with LogInfo a message costs no more than without OnLog.
	LogLevel LogLevel
}

// Protocol is a version of MQTT.
type Protocol int

const (
	MQTT31  Protocol = C.PMQTT_PROTOCOL_V31
	MQTT311 Protocol = C.PMQTT_PROTOCOL_V311
	MQTT5   Protocol = C.PMQTT_PROTOCOL_V5
	// MQTTBest is MQTT 5, or MQTT 3.1.1 with a broker that does not speak MQTT 5. Negotiated.Version says which. With
	// MQTT 3.1.1, messages and requests go without the properties and options that only MQTT 5 has.
	MQTTBest Protocol = C.PMQTT_PROTOCOL_BEST
)

// WhenFull selects what a full queue does with a new message. The queue drops only messages that were never sent. Their
// outcome is ErrDropped.
type WhenFull int

const (
	RefuseNew  WhenFull = C.PMQTT_WHEN_FULL_REFUSE      // refuse the new message: ErrQueueFull
	DropOldest WhenFull = C.PMQTT_WHEN_FULL_DROP_OLDEST // drop the messages that have waited longest
	DropQoS0   WhenFull = C.PMQTT_WHEN_FULL_DROP_QOS0   // drop messages of QoS 0
)

// LogLevel is the importance of a line for OnLog.
type LogLevel int

const (
	LogInfo    LogLevel = C.PMQTT_LOG_INFO // each stage of connecting
	LogNotice  LogLevel = C.PMQTT_LOG_NOTICE
	LogWarning LogLevel = C.PMQTT_LOG_WARNING
	LogError   LogLevel = C.PMQTT_LOG_ERR   // why a connection, or an attempt to connect, has failed
	LogDebug   LogLevel = C.PMQTT_LOG_DEBUG // each packet, in and out
)

const defaultPendingBytes = 64 << 20

// address splits Broker into host and port; port 0 is the default one.
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

// keepAlive returns seconds.
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

// check rejects values that C would misread.
func (o *Options) check() error {
	texts := map[string]string{"Broker": o.Broker, "BindAddress": o.BindAddress, "ClientID": o.ClientID,
		"Username": o.Username, "Password": o.Password}
	for _, user := range o.UserProperties {
		texts["UserProperties"] += user.Name + user.Value
	}
	for what, text := range texts {
		if err := checkString(what, text); err != nil {
			return err
		}
	}
	if err := o.checkAuthentication(); err != nil {
		return err
	}
	if o.SessionExpiry < 0 || o.WillDelay < 0 {
		return invalid("SessionExpiry and WillDelay: a time is negative")
	}
	if o.Will == nil && o.WillDelay != 0 {
		return invalid("WillDelay: there is no Will")
	}
	if _, _, err := o.address(); err != nil && !o.SRV {
		return err
	}
	return o.TLS.check()
}

// apply sets the options of a new client.
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
	if o.asks() {
		set = append(set, func() C.int { return c.applyConnectOptions(o) })
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
	// The Go client acknowledges messages itself, once the handlers have returned.
	set = append(set, func() C.int { return C.pmqtt_manual_ack_set(client, mode) })

	for _, f := range set {
		if err := c.lastError(f()); err != nil {
			return err
		}
	}
	if o.Will != nil {
		if err := c.applyWill(o); err != nil {
			return err
		}
	}
	if err := c.applyAuthentication(o); err != nil {
		return err
	}
	return c.applyTLS(o.TLS)
}

// seconds32 limits whole seconds, rounded up, to what C can hold: 136 years.
func seconds32(d time.Duration) C.uint32_t {
	s := d / time.Second
	if d%time.Second > 0 {
		s++
	}
	if s > math.MaxUint32 {
		s = math.MaxUint32
	}
	return C.uint32_t(s)
}

func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}

// toC limits n to the largest int of C.
func toC(n int) C.int {
	if n > math.MaxInt32 {
		n = math.MaxInt32
	}
	return C.int(n)
}

// orNone converts "no limit": it is 0 in C, and negative in Go, where 0 is the default.
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

// freeSecrets wipes copies of secrets, and frees them.
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
