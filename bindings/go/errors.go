package pmqtt

// #include "bridge.h"
import "C"

import (
	"errors"
	"strings"
	"unsafe"
)

// A Code is an error number of the library. Numbers below 64 are those of Eclipse Paho; from 64 on, they are the
// library's own.
// A Code is an error: errors.Is(err, pmqtt.ErrNotConnected) tests for it.
type Code int

const (
	ErrProtocol        Code = C.PMQTT_ERR_PROTOCOL      // the broker broke the rules of the protocol
	ErrInvalid         Code = C.PMQTT_ERR_INVAL         // an argument is wrong, or the call does not fit the state
	ErrNotConnected    Code = C.PMQTT_ERR_NO_CONN       // there is no connection
	ErrConnRefused     Code = C.PMQTT_ERR_CONN_REFUSED  // the broker refused the connection
	ErrNotFound        Code = C.PMQTT_ERR_NOT_FOUND     // the named item does not exist
	ErrConnLost        Code = C.PMQTT_ERR_CONN_LOST     // the connection was lost
	ErrTLS             Code = C.PMQTT_ERR_TLS           // TLS failed
	ErrAuth            Code = C.PMQTT_ERR_AUTH          // an enhanced authentication failed
	ErrPayloadTooLarge Code = C.PMQTT_ERR_PAYLOAD_SIZE  // the payload, or a packet from the broker, is too large
	ErrNotSupported    Code = C.PMQTT_ERR_NOT_SUPPORTED // not supported by the library
	ErrDenied          Code = C.PMQTT_ERR_ACL_DENIED    // the broker refused a subscription, or its end
	ErrOS              Code = C.PMQTT_ERR_ERRNO         // the operating system reported an error
	ErrQueueFull       Code = C.PMQTT_ERR_QUEUE_SIZE    // the queue is full
	ErrKeepAlive       Code = C.PMQTT_ERR_KEEPALIVE     // the broker did not answer PINGREQ, or did not read acknowledgements, in time
	ErrBusy            Code = C.PMQTT_ERR_BUSY          // another call does this at the moment
	ErrPanic           Code = C.PMQTT_ERR_PANIC         // the library failed internally; the client can only be closed
	ErrTimeout         Code = C.PMQTT_ERR_TIMEOUT       // the operation timed out
	ErrDNS             Code = C.PMQTT_ERR_DNS           // the host name could not be looked up
	ErrInDoubt         Code = C.PMQTT_ERR_IN_DOUBT      // the broker lost the session between PUBREC and PUBCOMP of a QoS 2 message
	ErrRejected        Code = C.PMQTT_ERR_REJECTED      // the broker rejected the message or request, with a reason
	ErrExpired         Code = C.PMQTT_ERR_EXPIRED       // the message expired before it was sent
	ErrDropped         Code = C.PMQTT_ERR_DROPPED       // the message was dropped from the queue
	ErrCancelled       Code = C.PMQTT_ERR_CANCELLED     // the program cancelled the message
)

// ErrClosed is the error of calls after Close, and of requests that Close ended.
var ErrClosed = errors.New("pmqtt: the client is closed")

// Error returns the library's words for the number.
func (c Code) Error() string {
	return "pmqtt: " + C.GoString(C.pmqtt_error_string(C.int(c)))
}

// An Error is a Code with a description. Text has the stage (dns, tcp, tls, mqtt) or the call, the cause, and the error
// of the operating system.
type Error struct {
	Code Code
	Text string
	// ReturnCode is what CONNACK said, if the broker refused the connection: 1 to 5, in MQTT 5 the reason code.
	ReturnCode int
	// Reason is the broker's reason as a reason code of MQTT 5; -1: it gave none. ReasonString returns the text.
	Reason int
	// Properties are those of the broker's packet (MQTT 5), for example its reason string; nil: none.
	Properties *Properties
	// cause is the error of an Authenticator.
	cause error
}

const unsaid = -1

func newError(code Code, text string) *Error { return &Error{Code: code, Text: text, Reason: unsaid} }

func (e *Error) Error() string { return "pmqtt: " + e.Text }

// Unwrap returns the Code, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Code }

// Is reports whether the error of an Authenticator, which has ended the connection, matches the target.
func (e *Error) Is(target error) bool { return e.cause != nil && errors.Is(e.cause, target) }

func invalid(text string) error { return newError(ErrInvalid, text) }

// lastError is the error of a call that has returned rc, or the reason why a connection ended.
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
	return newError(Code(rc), string(text[:length]))
}

// ReasonString returns the words for a reason code of MQTT 5; -1: the broker gave no reason.
func ReasonString(reason int) string { return C.GoString(C.pmqtt_reason_string(C.int(reason))) }

func refused(returnCode, reason C.int, properties *Properties) error {
	const refusal = 0x80 // the first code of MQTT 5
	words := C.GoString(C.pmqtt_connack_string(returnCode))
	if returnCode >= refusal {
		words = "Connection refused: " + reasonWords(int(reason), properties)
	}
	return &Error{Code: ErrConnRefused, Text: "mqtt: " + words, ReturnCode: int(returnCode), Reason: int(reason),
		Properties: properties}
}

// withReason adds the broker's reason and properties, if it gave a reason.
func withReason(err error, reason int, properties *Properties) error {
	if err == nil || reason == unsaid {
		return err
	}
	var told *Error
	if !errors.As(err, &told) {
		told = newError(err.(Code), "mqtt: "+reasonWords(reason, properties))
	}
	told.Reason, told.Properties = reason, properties
	return told
}

// reasonWords returns the text of the specification, and that of the broker.
func reasonWords(reason int, properties *Properties) string {
	words := ReasonString(reason)
	if properties != nil && properties.ReasonString != "" {
		words += " The broker says: " + properties.ReasonString
	}
	return words
}

// checkString rejects a NUL, because C would take it for the end of the string.
func checkString(what, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return invalid(what + " contains a NUL")
	}
	return nil
}
