package pmqtt

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"unsafe"
)

// An Authenticator answers for the client in an enhanced authentication (MQTT 5, section 4.12). If a method returns an
// error, the client ends the connection. errors.Is finds this error and ErrAuth in the outcome.
//
// Each call of Start, Challenge and Done has a goroutine of its own. Its context ends after Options.ConnectTimeout,
// with the connection, and in Close. From then on, its answer has no effect, and the client may call Start again.
type Authenticator interface {
	// Method returns the name of the authentication method. New calls it once.
	Method() string
	// Start begins an authentication, and returns the first data for the broker, or nil. The client calls it on each
	// connection before CONNECT, and because of Reauthenticate.
	Start(ctx context.Context) ([]byte, error)
	// Challenge returns the answer to data of the broker.
	Challenge(ctx context.Context, data []byte) ([]byte, error)
	// Done gets the last data of the broker, which has accepted the client. An error refuses the broker. The client does
	// nothing else until Done returns, so Done must not wait for the client.
	Done(ctx context.Context, data []byte) error
}

// SCRAM has the library authenticate with SCRAM-SHA-256 (RFC 7677). The broker has to prove that it knows the user.
type SCRAM struct {
	User, Password string
}

const refusesBroker = 0x80 // unspecified error: the reason that the broker gets

// An exchange is the present authentication. mu guards it.
type exchange struct {
	// number identifies the present step. An answer to an earlier one has no effect.
	number uint64
	cancel context.CancelFunc
	// err is why an Authenticator ended the connection.
	err error
	// again is a waiting Reauthenticate.
	again *request
}

// Reauthenticate authenticates again on the open connection, for example before a token expires. Messages flow on
// meanwhile. It returns when the broker has accepted. If it fails, the connection ends. If the context ends first,
// Reauthenticate returns the context's error at once, and the authentication goes on.
//
// With Options.SCRAM, it returns when the authentication has begun.
//
//   - ErrBusy: an authentication runs already.
//   - ErrInvalid: the client has no authentication method.
func (c *Client) Reauthenticate(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	err := c.lastError(C.pmqtt_reauthenticate(c.bridge.client))
	if err != nil || c.options.Authenticator == nil {
		c.mu.Unlock()
		return err
	}
	again := newRequest()
	c.exchange.again = again
	c.inbox.expect()
	c.mu.Unlock()
	return again.wait(ctx)
}

func (o *Options) checkAuthentication() error {
	if o.Authenticator != nil && o.SCRAM != nil {
		return invalid("Authenticator: there is SCRAM, too")
	}
	if o.SCRAM != nil {
		return checkString("SCRAM", o.SCRAM.User+o.SCRAM.Password)
	}
	return nil
}

func (c *Client) applyAuthentication(o *Options) error {
	switch {
	case o.SCRAM != nil:
		user, password := C.CString(o.SCRAM.User), C.CString(o.SCRAM.Password)
		defer freeAll(user)
		defer freeSecrets(password)
		return c.lastError(C.pmqtt_auth_scram_set(c.bridge.client, user, password))
	case o.Authenticator != nil:
		name := o.Authenticator.Method()
		if err := checkString("Authenticator: the method", name); err != nil {
			return err
		}
		method := C.CString(name)
		defer freeAll(method)
		return c.lastError(C.bridge_auth_set(c.bridge, method))
	}
	return nil
}

// The library allows a refusal only until the callback of the last step returns, so this one waits for Done.
//
//export goAuth
func goAuth(handle C.uintptr_t, step C.int, data unsafe.Pointer, length C.size_t) {
	c, told := client(handle), C.GoBytes(data, C.int(length))
	authenticator := c.options.Authenticator
	ctx, number := c.beginStep()
	switch step {
	case C.PMQTT_AUTH_START:
		go c.answer(number, func() ([]byte, error) { return authenticator.Start(ctx) })
	case C.PMQTT_AUTH_CHALLENGE:
		go c.answer(number, func() ([]byte, error) { return authenticator.Challenge(ctx, told) })
	case C.PMQTT_AUTH_DONE:
		done := make(chan error, 1)
		go func() { done <- authenticator.Done(ctx, told) }()
		select {
		case err := <-done:
			c.authenticated(err)
		case <-ctx.Done():
			c.authenticated(ctx.Err())
		}
	}
}

// beginStep ends the context of the step before.
func (c *Client) beginStep() (context.Context, uint64) {
	ctx, cancel := context.WithTimeout(c.life, c.options.connectTimeout())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endStep()
	c.exchange.cancel, c.exchange.err = cancel, nil
	return ctx, c.exchange.number
}

// endStep makes an answer to the present step void. mu is held.
func (c *Client) endStep() {
	c.exchange.number++
	if c.exchange.cancel != nil {
		c.exchange.cancel()
		c.exchange.cancel = nil
	}
}

// answer gives the library the answer to a step, unless the step is over.
func (c *Client) answer(number uint64, ask func() ([]byte, error)) {
	data, err := ask()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.exchange.number != number {
		return
	}
	if err == nil {
		err = c.lastError(C.bridge_auth_answer(c.bridge, first(data), C.size_t(len(data))))
	}
	if err != nil {
		c.refuse(err)
	}
}

// refuse ends the connection because of an error. mu is held.
func (c *Client) refuse(err error) {
	c.exchange.err = err
	C.pmqtt_auth_fail(c.bridge.client, refusesBroker)
}

// authenticated ends an authentication that the broker has accepted.
func (c *Client) authenticated(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endStep()
	if err != nil {
		c.refuse(err)
		return
	}
	c.reauthenticated(nil)
}

// reauthenticated gives a waiting Reauthenticate its outcome. mu is held.
func (c *Client) reauthenticated(err error) {
	if c.exchange.again != nil {
		c.exchange.again.complete(err)
		c.exchange.again = nil
		c.inbox.settled(1)
	}
}

// authEnded ends the authentication of a connection or an attempt that has ended, in its callback: a later connection
// must not get an answer that was for this one. It returns the reason for the end, with the Authenticator's error.
func (c *Client) authEnded(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endStep()
	if cause := c.exchange.err; cause != nil && errors.Is(err, ErrAuth) {
		err = &Error{Code: ErrAuth, Text: "auth: " + cause.Error(), Reason: unsaid, cause: cause}
	}
	if err == nil {
		c.reauthenticated(ErrConnLost) // the program ended the connection
	} else {
		c.reauthenticated(err)
	}
	return err
}
