// Package pmqtt is an MQTT 3.1.1 client on top of the C library libpmqtt.
//
// A [Client] is made by [New], connects with [Client.Connect], and connects again by itself whenever
// the connection is lost, until [Client.Disconnect] or [Client.Close].
//
// # Outcomes
//
// [Client.Publish] returns when the outcome is known, and [Client.PublishAsync] gives a [Token] that
// tells it. Messages of QoS 1 and 2 are kept while there is no connection, and sent with the next one.
// A call that waits takes a context; when that ends it returns at once, and what it had asked for
// goes on. Errors are the numbers of the library with its words: errors.Is(err, pmqtt.ErrNotConnected).
//
// # Handlers
//
// Handlers and hooks of one client are called one after the other, in the order in which messages came,
// on one goroutine that is the client's own. They may block, and may call anything, [Client.Publish]
// and [Client.Close] of the same client included: the client goes on meanwhile. A message of QoS 1 or 2 is
// acknowledged when its handlers have returned, or by [Message.Ack] with Options.ManualAck.
//
// What comes meanwhile waits in a queue. At QoS 1 and 2 a broker sends no more than its window before
// it is acknowledged. At QoS 0 there is no such bound: when Options.MaxPendingBytes are waiting, the
// client reads no more from the broker, until a handler has returned; it sends no keep alive either, so
// that a handler which blocks for much longer than that may cost the connection. Only as long as an
// outcome is due (of a publish, subscribe, unsubscribe, connect or disconnect, for which that very handler
// may wait) it reads on, and drops messages of QoS 0, which [Stats] counts.
//
// A panic of a handler is as any other in a goroutine: it ends the program, with a stack trace that
// shows the handler. No frame of C is ever between.
//
// # Sessions
//
// When a connection is made again and the broker has no session of the client's, which is always so
// unless Options.Durable, the client subscribes again to all that it was subscribed to. What
// was published meanwhile has passed it by.
//
// # Threads
//
// A client takes two goroutines and, on Linux, no thread: Go's own poller waits for the library (which
// elsewhere watches with a thread for each client). Calls into C never block, but those of New that read
// certificates.
//
// # Building
//
// The package is compiled against an installed libpmqtt that pkg-config finds. With the build tag
// pmqtt_static the library becomes part of the program.
package pmqtt
