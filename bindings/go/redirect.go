package pmqtt

// #include "bridge.h"
import "C"

import "context"

// A Redirect is the broker's wish that the client uses another server (MQTT 5, section 4.11).
type Redirect struct {
	// Reason is the reason code: 0x9C (use another server, for now) or 0x9D (the server has moved).
	Reason int
	// Reference is the server reference of the broker.
	Reference string
	// Host and Port are those of the first server in Reference. Host is empty, and Port 0, if the library cannot read
	// the reference; the client then cannot follow.
	Host string
	Port int
	// Hops is how many redirects the client has followed in a row.
	Hops int
}

// The library can follow only until the callback has returned, so this one waits for OnRedirect.
//
//export goRedirect
func goRedirect(handle C.uintptr_t, event *C.pmqtt_redirect) C.bool {
	c := client(handle)
	redirect := Redirect{
		Reason:    int(event.reason),
		Reference: C.GoString(event.reference),
		Host:      C.GoString(event.host),
		Port:      int(event.port),
		Hops:      int(event.hops),
	}
	c.mu.Lock()
	c.endStep() // the other server must not get an answer that was for this one
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.life, c.options.connectTimeout())
	defer cancel()
	decision := make(chan bool, 1)
	go func() { decision <- c.options.OnRedirect(redirect) }()
	select {
	case follow := <-decision:
		return C.bool(follow)
	case <-ctx.Done():
		return false
	}
}
