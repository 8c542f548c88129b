// Package pmqtt is a client for MQTT 3.1, 3.1.1 and 5 that uses the C library libpmqtt.
//
// [New] creates a [Client], and [Client.Connect] connects it. The client reconnects whenever the connection is lost,
// until [Client.Disconnect] or [Client.Close].
//
// # Outcomes
//
// [Client.Publish] returns when the outcome is known. [Client.PublishAsync] returns a [Token] that reports the outcome
// later. Without a connection, the client keeps messages of QoS 1 and 2, and sends them on the next connection.
// A message or request is settled when it has its outcome.
//
// A call that waits takes a context. When the context ends, the call returns at once, and its request goes on.
// [Client.Connect] and [Client.Request] end theirs.
//
// Errors have the numbers and the texts of the library. errors.Is(err, pmqtt.ErrNotConnected) tests for a number.
//
// # Handlers
//
// A [Handler] receives messages. The hooks are the other functions in [Options], except OnRedirect. A client has one goroutine for its
// handlers and hooks. It calls them one at a time, in the order in which the messages came.
//
// Handlers and hooks are allowed to block, and to call every function, also [Client.Publish] and [Client.Close] of the
// same client. The client continues to run meanwhile. It acknowledges a message of QoS 1 or 2 when the handlers have
// returned. With Options.ManualAck, the program acknowledges it with [Message.Ack].
//
// A panic in a handler is like any panic in a goroutine: it ends the program. The stack trace shows the handler, and no
// frame of C.
//
// # Back-pressure
//
// Messages that come while a handler runs wait in a queue. At QoS 1 and 2 the broker limits the queue: it sends only a
// certain number of messages without an acknowledgement. At QoS 0 Options.MaxPendingBytes limits the queue. At that
// limit:
//
//   - Usually, the client reads nothing from the broker until a handler has returned. It sends no PINGREQ either, so a
//     handler that blocks for much longer than Options.KeepAlive can cost the connection.
//   - If a publish, request, subscribe, unsubscribe, connect or disconnect has no outcome yet, the client continues to
//     read. The blocked handler may wait for this outcome. The client drops messages of QoS 0, and [Stats] counts them.
//
// # Sessions
//
// After a reconnect, the broker may have no session of the client. This is always so without Options.Durable. If
// there is no session, the client makes all its subscriptions again. It does not get the messages that were published
// meanwhile.
//
// # MQTT 5
//
// Options.Protocol selects the version. With MQTT5, and with MQTTBest where the broker speaks MQTT 5:
//
//   - [Client.PublishWith] publishes a message with [Properties], and [Message.Properties] returns those of a message.
//   - [Client.SubscribeWith], [Client.UnsubscribeWith], [Client.DisconnectWith] and [Message.AckWith] have the options,
//     reason codes and properties of their packets.
//   - [Client.Request] publishes a request and returns its response, and [Message.Reply] publishes a response.
//   - Options.OnRedirect decides whether the client goes to the server to which the broker sends it.
//   - [Client.Negotiated] returns what applies to the connection.
//   - [Error] has the reason code and the properties with which the broker refused or ended something.
//   - An [Authenticator] or [SCRAM] answers in an enhanced authentication, and [Client.Reauthenticate] repeats it.
//
// What only MQTT 5 has is ErrNotSupported with the other versions.
//
// # Threads
//
// A client uses two goroutines. On Linux it uses no thread, because Go's poller watches a descriptor of the library. On
// other systems the library has a waiting thread for each client. Calls into C do not block, except in New, which reads
// certificates.
//
// # Building
//
// pkg-config must find an installed libpmqtt. The build tag pmqtt_static links the library into the program.
package pmqtt
