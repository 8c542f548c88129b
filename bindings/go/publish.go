package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"fmt"
	"time"
	"unsafe"
)

// QoS is the quality of service of a message.
type QoS byte

const (
	AtMostOnce QoS = iota
	AtLeastOnce
	ExactlyOnce
)

// A Publication is a message to publish, or a will.
type Publication struct {
	Topic   string
	Payload []byte
	QoS     QoS
	Retain  bool
	// Expiry is how long the message may wait to be sent, in whole seconds, rounded up. The time begins when the
	// client takes the message. When it is over, the outcome is ErrExpired. 0: no limit. A message that the client has
	// begun to send does not expire. In MQTT 5, the broker observes the rest of the time, too. A will has an Expiry in
	// MQTT 5 only; its time begins when the broker publishes it.
	Expiry time.Duration
	// Properties need MQTT 5. Those of a received message can be handed on.
	Properties *Properties
}

// Publish publishes a message, and returns when its outcome is known. The outcome is nil when a QoS 0 message is
// written, or when the broker has acknowledged a message of QoS 1 or 2. Other outcomes include:
//
//   - ErrNotConnected: a QoS 0 message had no connection (see Options.KeepQoS0). QoS 1 and 2 wait for a connection.
//   - ErrConnLost: the connection ended before a QoS 0 message was written.
//   - ErrInDoubt: the broker lost the session between PUBREC and PUBCOMP of a QoS 2 message.
//   - ErrDropped: the queue dropped the message (Options.WhenFull, Options.NewestOnly).
//   - ErrExpired: the message was not sent within Publication.Expiry.
//   - ErrCancelled: the program cancelled the message.
//   - ErrRejected: the broker refused the message (MQTT 5). Error.Reason says why.
//
// If the queue is full, Publish waits for room. If the context ends, Publish returns the context's error at once; a
// message that is already in the queue is still sent.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte, qos QoS, retain bool) error {
	return c.PublishWith(ctx, Publication{Topic: topic, Payload: payload, QoS: qos, Retain: retain})
}

// PublishWith publishes a message as Publish does, with all that a Publication has.
func (c *Client) PublishWith(ctx context.Context, message Publication) error {
	token, err := c.publishWithRoom(ctx, message)
	if err != nil {
		return err
	}
	return token.Wait(ctx)
}

// PublishAsync publishes a message as Publish does, but does not wait. If the queue is full, the token's outcome is
// ErrQueueFull.
func (c *Client) PublishAsync(topic string, payload []byte, qos QoS, retain bool) *Token {
	return c.PublishWithAsync(Publication{Topic: topic, Payload: payload, QoS: qos, Retain: retain})
}

// PublishWithAsync publishes a message as PublishWith does, but does not wait, as PublishAsync.
func (c *Client) PublishWithAsync(message Publication) *Token {
	token, _ := c.publish(message)
	return token
}

// PublishBatch publishes each message as PublishAsync does. One call for many small messages is faster. PublishBatch
// returns a Token for each message that was accepted, from the first on. The others have no Token if the queue has no
// room for all (ErrQueueFull), there is no memory, or the broker does not take the first of them (MQTT 5). With any
// other error no message was accepted.
func (c *Client) PublishBatch(messages []Publication) ([]*Token, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var bytes []byte
	heads := make([]C.struct_bridge_message, len(messages))
	for i := range messages {
		var err error
		if bytes, heads[i], err = messages[i].head(bytes); err != nil {
			return nil, err
		}
		bytes = append(bytes, messages[i].Payload...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	var accepted C.size_t
	published := C.bridge_publish_batch(c.bridge, &heads[0], C.size_t(len(heads)),
		(*C.char)(unsafe.Pointer(&bytes[0])), &accepted)
	tokens := make([]*Token, int(accepted))
	for i := range tokens {
		if published.rc == C.PMQTT_ERR_NO_CONN && messages[i].QoS == AtMostOnce && !c.options.KeepQoS0 {
			tokens[i] = failed(c.lastError(published.rc))
			continue
		}
		tokens[i] = newToken(uint64(published.mid) + uint64(i))
		c.publishes[tokens[i].mid] = tokens[i]
		c.inbox.expect()
	}
	switch {
	case published.rc == C.PMQTT_ERR_SUCCESS || len(tokens) == len(messages):
		return tokens, nil
	case published.rc == C.PMQTT_ERR_NO_CONN:
		return tokens, ErrQueueFull
	}
	return tokens, c.lastError(published.rc)
}

// publishWithRoom waits for room in the queue, but not for the outcome.
func (c *Client) publishWithRoom(ctx context.Context, m Publication) (*Token, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		token, room := c.publish(m)
		if room == nil {
			return token, nil
		}
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// publish returns room only if the queue is full.
func (c *Client) publish(m Publication) (token *Token, room chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return failed(ErrClosed), nil
	}
	bytes, head, err := m.head(c.head[:0])
	if err != nil {
		return failed(err), nil
	}
	c.head = bytes
	published := C.bridge_publish(c.bridge, head, first(bytes), first(m.Payload))
	switch {
	case published.rc == C.PMQTT_ERR_SUCCESS:
	case published.rc == C.PMQTT_ERR_NO_CONN && m.QoS > AtMostOnce: // it waits for a connection
	case published.rc == C.PMQTT_ERR_QUEUE_SIZE:
		return failed(c.lastError(published.rc)), c.room
	default:
		return failed(c.lastError(published.rc)), nil
	}
	token = newToken(uint64(published.mid))
	c.publishes[token.mid] = token
	c.inbox.expect()
	return token, nil
}

// head checks a message, and appends its topic and properties to bytes.
func (m *Publication) head(bytes []byte) ([]byte, C.struct_bridge_message, error) {
	head := C.struct_bridge_message{
		topic_size:  C.size_t(len(m.Topic) + 1),
		payload_len: C.size_t(len(m.Payload)),
		qos:         C.int(m.QoS),
		retain:      C.bool(m.Retain),
		expiry_s:    seconds32(m.Expiry),
	}
	if m.Expiry < 0 {
		return nil, head, invalid("message: Expiry is negative")
	}
	if err := checkString("message: the topic", m.Topic); err != nil {
		return nil, head, err
	}
	bytes = append(append(bytes, m.Topic...), 0)
	begin := len(bytes)
	bytes, err := m.Properties.encode(bytes)
	head.properties_len = C.size_t(len(bytes) - begin)
	return bytes, head, err
}

// first returns the address of the first byte, or NULL.
func first(bytes []byte) *C.char {
	if len(bytes) == 0 {
		return nil
	}
	return (*C.char)(unsafe.Pointer(&bytes[0]))
}

// A Token stands for a publish, and reports its outcome when it is known.
type Token struct {
	done chan struct{}
	err  error
	mid  uint64

	reason     int
	properties *Properties
}

// Cancel cancels a publish without an outcome; its outcome becomes ErrCancelled. A QoS 1 message that was already sent
// can still arrive.
//
//   - ErrBusy: the message has QoS 2 and was sent, so it cannot be cancelled.
//   - ErrNotFound: the message already has its outcome, or it has QoS 0 and was handed to the connection.
func (c *Client) Cancel(t *Token) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return c.lastError(C.pmqtt_cancel(c.bridge.client, C.uint64_t(t.mid)))
}

// ClearQueue cancels all messages that were never sent.
func (c *Client) ClearQueue() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return c.lastError(C.pmqtt_queue_clear(c.bridge.client))
}

var alreadyDone = make(chan struct{})

func init() { close(alreadyDone) }

func failed(err error) *Token { return &Token{done: alreadyDone, err: err, reason: unsaid} }

func newToken(mid uint64) *Token { return &Token{done: make(chan struct{}), mid: mid, reason: unsaid} }

func (t *Token) complete(err error) {
	t.err = err
	close(t.done)
}

// Done returns a channel that is closed when the outcome is known.
func (t *Token) Done() <-chan struct{} { return t.done }

// Err returns nil while Done is open. When Done is closed, it returns the outcome, as Publish does.
func (t *Token) Err() error {
	select {
	case <-t.done:
		return t.err
	default:
		return nil
	}
}

// Reason returns the reason code with which the broker acknowledged the message (MQTT 5), for example 0x10: nobody has
// subscribed to it. It returns -1 while Done is open, and if the broker gave no reason.
func (t *Token) Reason() int {
	select {
	case <-t.done:
		return t.reason
	default:
		return unsaid
	}
}

// Properties returns the properties of the broker's acknowledgement (MQTT 5). It returns nil while Done is open, and if
// there are none.
func (t *Token) Properties() *Properties {
	select {
	case <-t.done:
		return t.properties
	default:
		return nil
	}
}

// Wait returns the outcome when it is known, or the context's error if that ends first.
func (t *Token) Wait(ctx context.Context) error {
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Drain waits until each publish has its outcome. If the context ends first, the error wraps that of the context.
//
//   - ErrNotConnected: messages wait for a connection, and the client does not connect.
//   - ErrInDoubt: each publish has its outcome, and at least one outcome during this call of Drain was ErrInDoubt.
func (c *Client) Drain(ctx context.Context) error {
	c.mu.Lock()
	doubts := c.doubts
	c.mu.Unlock()
	for {
		c.mu.Lock()
		left, closed := len(c.publishes), c.closed
		inDoubt := c.doubts != doubts
		online := c.wanted || c.ending != nil
		if c.settled == nil {
			c.settled = make(chan struct{})
		}
		settled := c.settled
		c.mu.Unlock()
		switch {
		case closed:
			return ErrClosed
		case left == 0 && inDoubt:
			return ErrInDoubt
		case left == 0:
			return nil
		case !online:
			return newError(ErrNotConnected, fmt.Sprintf("drain: %d messages wait for a connection", left))
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return fmt.Errorf("pmqtt: drain: %d messages are not settled: %w", left, ctx.Err())
		}
	}
}

// announceSettled wakes calls of Drain, which check again. mu is held.
func (c *Client) announceSettled() {
	if c.settled != nil {
		close(c.settled)
		c.settled = nil
	}
}

// announceRoom wakes calls that wait for room, which try again. mu is held.
func (c *Client) announceRoom() {
	close(c.room)
	c.room = make(chan struct{})
}
