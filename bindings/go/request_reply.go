package pmqtt

// #include "bridge.h"
import "C"

import "context"

// Request publishes a message, and returns its response (MQTT 5, section 4.10). The library sets the response topic and
// the correlation data, and subscribes to the response topic. Each request ends once, with a response or an error:
//
//   - The context's error: the context ended first. A message that still waits in the queue is then not sent, and a
//     later response is dropped. A context without a deadline waits as long as the library can: 24 days, and then
//     ErrTimeout.
//   - ErrRejected: the broker refused the message or the subscription, or does not take such messages. Error.Reason
//     says why.
//   - ErrExpired, ErrDropped, ErrCancelled: the message was not sent, because of Publication.Expiry, Options.WhenFull or
//     ClearQueue.
//   - ErrNotSupported: the client or its connection is not of MQTT 5.
//   - ErrNotConnected: a QoS 0 message had no connection (see Options.KeepQoS0). Or no broker has stated the client id
//     or the response information that the options ask for.
//   - ErrQueueFull: the queue is full, or 65,536 requests wait. Request does not wait for room.
//   - ErrInvalid: for example, the message has a response topic or correlation data.
//   - ErrClosed: the client was closed.
//
// A lost connection does not end a request: messages of QoS 1 and 2 are sent again, and the response can come on a later
// connection. The client has acknowledged the response already. No handler gets it.
func (c *Client) Request(ctx context.Context, message Publication) (*Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id, asked, err := c.ask(message)
	if err != nil {
		return nil, err
	}
	select {
	case <-asked.done:
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.responded(id, nil, ctx.Err()) {
			C.pmqtt_request_cancel(c.bridge.client, C.uint64_t(id))
		}
	}
	return asked.response, asked.err
}

func (c *Client) ask(message Publication) (id uint64, asked *request, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, nil, ErrClosed
	}
	bytes, head, err := message.head(c.head[:0])
	if err != nil {
		return 0, nil, err
	}
	c.head = bytes
	accepted := C.bridge_ask(c.bridge, head, first(bytes), first(message.Payload))
	if err := c.lastError(accepted.rc); err != nil {
		return 0, nil, err
	}
	id, asked = uint64(accepted.mid), newRequest()
	c.asked[id] = asked
	c.inbox.expect()
	return id, asked, nil
}

// responded ends a call of Request. It returns false if the call has ended already. mu is held.
func (c *Client) responded(id uint64, response *Message, err error) bool {
	asked := c.asked[id]
	if asked == nil {
		return false
	}
	delete(c.asked, id)
	c.inbox.settled(1)
	asked.response = response
	asked.complete(err)
	return true
}

//export goResponded
func goResponded(handle C.uintptr_t, id C.uint64_t, rc, reason C.int, event *C.pmqtt_message) {
	c := client(handle)
	var response *Message
	var err error
	if rc == C.PMQTT_ERR_SUCCESS {
		response = c.messageOf(event)
	} else {
		err = withReason(Code(rc), int(reason), nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.responded(uint64(id), response, err)
}

// Reply publishes the response to a request, and returns when its outcome is known, as PublishWith does. The topic is
// the response topic of the request, so the one of the response must be empty. The correlation data is that of the
// request, too. Reply works at any time, also after the handler has returned. The response topic and the correlation
// data are in Properties, so a program can also keep these two, and publish the response by any client.
//
//   - ErrNotFound: the message has no response topic, so it is no request.
//   - ErrInvalid: the response has a topic or correlation data of its own.
//   - ErrNotSupported: the client has connected with MQTT 3 since the message came.
func (m *Message) Reply(ctx context.Context, response Publication) error {
	response, err := m.address(response)
	if err != nil {
		return err
	}
	return m.client.PublishWith(ctx, response)
}

// ReplyAsync publishes the response to a request as Reply does, but does not wait, as PublishWithAsync.
func (m *Message) ReplyAsync(response Publication) *Token {
	response, err := m.address(response)
	if err != nil {
		return failed(err)
	}
	return m.client.PublishWithAsync(response)
}

// address returns the response with the topic and the correlation data of the request.
func (m *Message) address(response Publication) (Publication, error) {
	request := m.Properties()
	if request == nil || request.ResponseTopic == "" {
		return response, newError(ErrNotFound, "reply: the message has no response topic")
	}
	var properties Properties
	if response.Properties != nil {
		properties = *response.Properties
	}
	if response.Topic != "" || properties.CorrelationData != nil {
		return response, invalid("reply: the topic and the correlation data are those of the request")
	}
	if m.client.speaks() != MQTT5 {
		return response, newError(ErrNotSupported, "reply: the connection is not of MQTT 5")
	}
	properties.CorrelationData = request.CorrelationData
	response.Topic, response.Properties = request.ResponseTopic, &properties
	return response, nil
}

// speaks returns the version of the last connection.
func (c *Client) speaks() Protocol {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.negotiated.Version
}
