package pmqtt

// #include "bridge.h"
import "C"

import (
	"errors"
	"strings"
	"unsafe"
)

// A Code is one of the library's error numbers, which are those of Eclipse Paho.
// It is an error by itself, so that errors.Is(err, pmqtt.ErrNotConnected) tells what has happened.
type Code int

const (
	ErrProtocol        Code = C.PMQTT_ERR_PROTOCOL      // the broker broke the rules of the protocol
	ErrInvalid         Code = C.PMQTT_ERR_INVAL         // an argument is wrong, or the call does not fit the state
	ErrNotConnected    Code = C.PMQTT_ERR_NO_CONN       // there is no connection
	ErrConnRefused     Code = C.PMQTT_ERR_CONN_REFUSED  // the broker refused the connection
	ErrNotFound        Code = C.PMQTT_ERR_NOT_FOUND     // what was named is not there
	ErrConnLost        Code = C.PMQTT_ERR_CONN_LOST     // the connection was lost
	ErrTLS             Code = C.PMQTT_ERR_TLS           // TLS failed
	ErrPayloadTooLarge Code = C.PMQTT_ERR_PAYLOAD_SIZE  // the payload is too large
	ErrNotSupported    Code = C.PMQTT_ERR_NOT_SUPPORTED // not supported by the library
	ErrDenied          Code = C.PMQTT_ERR_ACL_DENIED    // the broker refused a subscription
	ErrOS              Code = C.PMQTT_ERR_ERRNO         // the operating system reported an error
	ErrQueueFull       Code = C.PMQTT_ERR_QUEUE_SIZE    // the queue is full
	ErrKeepAlive       Code = C.PMQTT_ERR_KEEPALIVE     // the broker did not answer PINGREQ in time
	ErrBusy            Code = C.PMQTT_ERR_BUSY          // another call is doing this right now
	ErrPanic           Code = C.PMQTT_ERR_PANIC         // the library failed inside; the client can only be closed
	ErrTimeout         Code = C.PMQTT_ERR_TIMEOUT       // it took longer than it may
	ErrDNS             Code = C.PMQTT_ERR_DNS           // the host name could not be looked up
	ErrInDoubt         Code = C.PMQTT_ERR_IN_DOUBT      // the broker may have lost a QoS 2 message together with the session
	ErrRejected        Code = C.PMQTT_ERR_REJECTED      // the broker refused it, with a reason
	ErrExpired         Code = C.PMQTT_ERR_EXPIRED       // the message expired before it was sent
	ErrDropped         Code = C.PMQTT_ERR_DROPPED       // the message was dropped from the queue
	ErrCancelled       Code = C.PMQTT_ERR_CANCELLED     // the program cancelled it
)

// ErrClosed says that the client was closed.
var ErrClosed = errors.New("pmqtt: the client is closed")

// Error gives the library's words for the number.
func (c Code) Error() string {
	return "pmqtt: " + C.GoString(C.pmqtt_error_string(C.int(c)))
}

// An Error is a Code with the words for what has happened: the stage (dns, tcp, tls, mqtt) or the
// call, the cause, and the error of the operating system.
type Error struct {
	Code Code
	Text string
	// ReturnCode is what CONNACK said, 1 to 5, where the broker refused the connection.
	ReturnCode int
}

func (e *Error) Error() string { return "pmqtt: " + e.Text }

// Unwrap gives the Code, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Code }

func invalid(text string) error { return &Error{Code: ErrInvalid, Text: text} }

// lastError is the error of a call that has returned rc, or what has ended a connection.
func (c *Client) lastError(rc C.int) error {
	if rc == C.PMQTT_ERR_SUCCESS {
		return nil
	}
	var text [512]byte
	length := int(C.pmqtt_last_error(c.bridge.client, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text))))
	if length == 0 {
		return Code(rc)
	}
	if length >= len(text) {
		length = len(text) - 1
	}
	return &Error{Code: Code(rc), Text: string(text[:length])}
}

// ReasonString gives the words for a reason, as MQTT 5 numbers it; -1: the broker gave none.
func ReasonString(reason int) string { return C.GoString(C.pmqtt_reason_string(C.int(reason))) }

func refused(returnCode C.int) error {
	words := C.GoString(C.pmqtt_connack_string(returnCode))
	return &Error{Code: ErrConnRefused, Text: "mqtt: " + words, ReturnCode: int(returnCode)}
}

// C would take a NUL for the end of the string.
func checkString(what, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return invalid(what + " contains a NUL")
	}
	return nil
}
