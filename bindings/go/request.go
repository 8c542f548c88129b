package pmqtt

// #include "bridge.h"
import "C"

import "context"

// A request waits for an answer.
type request struct {
	done chan struct{}
	err  error
	// granted is the QoS that the broker has granted to a subscription.
	granted QoS
	// response is that of a call of Request.
	response *Message
	// answered, if not nil, gets the outcome first, with mu held.
	answered func(err error)
}

func newRequest() *request { return &request{done: make(chan struct{})} }

// complete does nothing for nil.
func (r *request) complete(err error) {
	if r == nil {
		return
	}
	if r.answered != nil {
		r.answered(err)
	}
	r.err = err
	close(r.done)
}

func (r *request) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await notes a request that the library has accepted. mu is held since before the request.
func (c *Client) await(asked C.struct_bridge_request, answered func(error)) (*request, error) {
	if err := c.lastError(asked.rc); err != nil {
		return nil, err
	}
	r := newRequest()
	r.answered = answered
	c.requests[uint64(asked.mid)] = r
	c.inbox.expect()
	return r, nil
}

// answered completes a request of await, in a step. The code is that of SUBACK or UNSUBACK.
func (c *Client) answered(mid uint64, rc C.int, code, reason int, properties *Properties) {
	const refusal = 0x80
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.requests[mid]
	delete(c.requests, mid)
	c.inbox.settled(1)
	switch {
	case rc != C.PMQTT_ERR_SUCCESS:
		r.complete(withReason(Code(rc), reason, properties))
	case code >= refusal:
		denied := newError(ErrDenied, "mqtt: the broker refused the request: "+reasonWords(code, properties))
		r.complete(withReason(denied, code, properties))
	default:
		r.granted = QoS(code)
		r.complete(nil)
	}
}
