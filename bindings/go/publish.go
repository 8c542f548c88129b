package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"fmt"
	"math"
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
	// client takes the message. When it is over, the outcome is ErrExpired. 0: no limit; a will must have 0. A
	// message that the client has begun to send does not expire.
	Expiry time.Duration
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
//
// If the queue is full, Publish waits for room. If the context ends, Publish returns the context's error at once; a
// message that is already in the queue is still sent.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte, qos QoS, retain bool) error {
	token, err := c.publishWithRoom(ctx, Publication{Topic: topic, Payload: payload, QoS: qos, Retain: retain})
	if err != nil {
		return err
	}
	return token.Wait(ctx)
}

// PublishAsync publishes a message as Publish does, but does not wait. If the queue is full, the token's outcome is
// ErrQueueFull.
func (c *Client) PublishAsync(topic string, payload []byte, qos QoS, retain bool) *Token {
	token, _ := c.publish(Publication{Topic: topic, Payload: payload, QoS: qos, Retain: retain})
	return token
}

// PublishBatch publishes each message as PublishAsync does. One call for many small messages is faster. PublishBatch
// returns a Token for each message that was accepted, from the first on. The others have no Token if the queue has no
// room for all (ErrQueueFull), or there is no memory. With any other error no message was accepted.
func (c *Client) PublishBatch(messages []Publication) ([]*Token, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var bytes []byte
	heads := make([]C.struct_bridge_message, len(messages))
	for i, m := range messages {
		if err := m.check(); err != nil {
			return nil, err
		}
		bytes = append(append(append(bytes, m.Topic...), 0), m.Payload...)
		heads[i].topic_size, heads[i].payload_len = C.size_t(len(m.Topic)+1), C.size_t(len(m.Payload))
		heads[i].qos, heads[i].retain, heads[i].expiry_s = C.int(m.QoS), C.bool(m.Retain), m.expiry()
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
		tokens[i] = &Token{done: make(chan struct{}), mid: uint64(published.mid) + uint64(i)}
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
	if err := m.check(); err != nil {
		return failed(err), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return failed(ErrClosed), nil
	}
	c.topic = append(append(c.topic[:0], m.Topic...), 0)
	var bytes *C.char
	if len(m.Payload) > 0 {
		bytes = (*C.char)(unsafe.Pointer(&m.Payload[0]))
	}
	published := C.bridge_publish(c.bridge, (*C.char)(unsafe.Pointer(&c.topic[0])), bytes,
		C.size_t(len(m.Payload)), C.int(m.QoS), C.bool(m.Retain), m.expiry())
	switch {
	case published.rc == C.PMQTT_ERR_SUCCESS:
	case published.rc == C.PMQTT_ERR_NO_CONN && m.QoS > AtMostOnce: // it waits for a connection
	case published.rc == C.PMQTT_ERR_QUEUE_SIZE:
		return failed(c.lastError(published.rc)), c.room
	default:
		return failed(c.lastError(published.rc)), nil
	}
	token = &Token{done: make(chan struct{}), mid: uint64(published.mid)}
	c.publishes[token.mid] = token
	c.inbox.expect()
	return token, nil
}

func (m *Publication) check() error {
	if m.Expiry < 0 {
		return invalid("publish: Expiry is negative")
	}
	return checkString("publish: the topic", m.Topic)
}

// expiry returns whole seconds, rounded up. C can hold 136 years.
func (m *Publication) expiry() C.uint32_t {
	s := m.Expiry / time.Second
	if m.Expiry%time.Second > 0 {
		s++
	}
	if s > math.MaxUint32 {
		s = math.MaxUint32
	}
	return C.uint32_t(s)
}

// A Token stands for a publish, and reports its outcome when it is known.
type Token struct {
	done chan struct{}
	err  error
	mid  uint64
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

func failed(err error) *Token { return &Token{done: alreadyDone, err: err} }

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
