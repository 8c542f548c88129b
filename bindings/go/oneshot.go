package pmqtt

import (
	"context"
	"sync"
)

// PublishSingle connects, publishes one message, waits for its outcome, and disconnects.
func PublishSingle(ctx context.Context, options Options, message Publication) error {
	return PublishMultiple(ctx, options, []Publication{message})
}

// PublishMultiple connects, publishes messages without waiting for each one, waits until all are settled, and
// disconnects. It returns the first error, and tries nothing a second time.
func PublishMultiple(ctx context.Context, options Options, messages []Publication) error {
	return once(ctx, options, func(ctx context.Context, c *Client) error {
		tokens := make([]*Token, len(messages))
		for i, m := range messages {
			var err error
			if tokens[i], err = c.publishWithRoom(ctx, m); err != nil {
				return err
			}
		}
		var first error
		for _, token := range tokens {
			if err := token.Wait(ctx); first == nil {
				first = err
			}
		}
		return first
	})
}

// SubscribeSimple connects, subscribes, waits for count messages, and disconnects. If retained is false, it drops
// messages that the broker had stored, and does not count them. It acknowledges only the messages that it returns or
// drops: a durable session keeps the others. If it returns an error, it also returns the
// messages that came before the failure.
func SubscribeSimple(ctx context.Context, options Options, filters []string, qos QoS, count int, retained bool) ([]*Message, error) {
	var (
		mu       sync.Mutex
		messages []*Message
		over     = count < 1
		enough   = make(chan struct{})
	)
	options.ManualAck = true
	options.OnMessage = func(m *Message) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		m.Ack()
		if m.Retained && !retained {
			return
		}
		messages = append(messages, m)
		if len(messages) == count {
			over = true
			close(enough)
		}
	}
	err := once(ctx, options, func(ctx context.Context, c *Client) error {
		if count < 1 || len(filters) == 0 {
			return invalid("subscribe: there is nothing to wait for")
		}
		for _, filter := range filters {
			if _, err := c.Subscribe(ctx, filter, qos, nil); err != nil {
				return err
			}
		}
		select {
		case <-enough:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	mu.Lock()
	defer mu.Unlock()
	over = true
	return messages, err
}

// once connects, works, and disconnects. The work's context ends with the connection.
func once(ctx context.Context, options Options, work func(context.Context, *Client) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lost := make(chan error, 1)
	told := options.OnDisconnect
	options.OnDisconnect = func(err error) {
		if err != nil {
			select {
			case lost <- err:
			default:
			}
			cancel()
		}
		if told != nil {
			told(err)
		}
	}
	c, err := New(options)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Connect(ctx); err != nil {
		return err
	}
	if err := work(ctx, c); err != nil {
		select {
		case err = <-lost:
		default:
		}
		return err
	}
	return nil // Close disconnects
}
