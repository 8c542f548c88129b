// Package pmqtt is an MQTT 3.1.1 client that uses the C library libpmqtt.
//
// [New] creates a [Client], and [Client.Connect] connects it. The client reconnects whenever the connection is lost,
// until [Client.Disconnect] or [Client.Close].
//
// # Outcomes
//
// [Client.Publish] returns when the outcome is known. [Client.PublishAsync] returns a [Token] that reports the outcome
// later. Without a connection, the client keeps messages of QoS 1 and 2, and sends them on the next connection.
//
// A call that waits takes a context. When the context ends, the call returns at once, and its request goes on.
//
// Errors have the numbers and the words of the library: errors.Is(err, pmqtt.ErrNotConnected).
//
// # Handlers
//
// A client calls its handlers and hooks one at a time, in the order in which messages came, on a goroutine of its own.
// They are allowed to block, and to call everything, [Client.Publish] and [Client.Close] of the same client included:
// the client goes on meanwhile. It acknowledges a message of QoS 1 or 2 when the handlers have returned. With
// Options.ManualAck, [Message.Ack] does.
//
// A panic in a handler is like any panic in a goroutine. It ends the program, and the stack trace shows the handler, with
// no frame of C in between.
//
// # Back-pressure
//
// Messages that come while a handler runs wait in a queue. At QoS 1 and 2 the broker limits the queue: it sends no more
// than its window before an acknowledgement. At QoS 0 Options.MaxPendingBytes limits the queue. At that limit:
//
//   - The client reads nothing from the broker until a handler has returned. It sends no PINGREQ either, so a handler
//     that blocks for much longer than Options.KeepAlive can cost the connection.
//   - While an outcome is due, the client reads on, and drops messages of QoS 0, which [Stats] counts. The outcome is
//     that of a publish, subscribe, unsubscribe, connect or disconnect. The blocked handler can be waiting for it.
//
// # Sessions
//
// The broker has no session of the client after a reconnect if it lost the session, and always without Options.Durable.
// The client then makes all its subscriptions again. It does not get the messages that were published meanwhile.
//
// # Threads
//
// A client uses two goroutines and, on Linux, no thread: Go's poller waits for the library. On other systems the library
// has a waiting thread for each client. Calls into C do not block, except in New, which reads certificates.
//
// # Building
//
// pkg-config must find an installed libpmqtt. The build tag pmqtt_static links the library into the program.
package pmqtt
