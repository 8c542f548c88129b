package pmqtt

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// loop runs the client: it takes a step whenever Go's poller finds the library's descriptor readable. No thread waits
// in C.
func (c *Client) loop() {
	defer close(c.finished)
	events, err := c.events.SyscallConn()
	if err != nil {
		return // closed already
	}
	events.Read(func(uintptr) bool {
		for {
			c.inbox.waitForRoom()
			again, alive := c.takeStep()
			if !alive || c.stopping.Load() {
				return true
			}
			if !again {
				return false
			}
		}
	})
}

// takeStep lets the library do its work, and handles the events of its callbacks.
func (c *Client) takeStep() (again, alive bool) {
	c.step.Lock()
	defer c.step.Unlock()
	rc := C.bridge_process(c.bridge)
	c.publishesDone()
	for i, told := range c.gathered {
		if told.message != nil {
			c.inbox.put(told)
		} else {
			told.call()
		}
		c.gathered[i] = item{}
	}
	c.gathered = c.gathered[:0]
	if rc == C.PMQTT_ERR_PANIC {
		c.mu.Lock()
		c.abandon(ErrPanic)
		c.mu.Unlock()
		return false, false
	}
	return rc == C.BRIDGE_MORE, true
}

// publishesDone completes the tokens of publishes that have an outcome.
func (c *Client) publishesDone() {
	count := int(c.bridge.count)
	if count == 0 {
		return
	}
	c.inbox.settled(count)
	c.mu.Lock()
	defer c.mu.Unlock()
	outcomes := unsafe.Slice(c.bridge.outcomes, count)
	for i := range outcomes {
		outcome := &outcomes[i]
		mid := uint64(outcome.mid)
		token := c.publishes[mid]
		delete(c.publishes, mid)
		token.reason = int(outcome.reason)
		if outcome.properties.len > 0 {
			token.properties = propertiesOf(outcome.properties)
			C.free(unsafe.Pointer(outcome.properties.data))
		}
		var err error
		if outcome.rc != C.PMQTT_ERR_SUCCESS {
			err = withReason(Code(outcome.rc), token.reason, token.properties)
		}
		if outcome.rc == C.PMQTT_ERR_IN_DOUBT {
			c.doubts++
		}
		token.complete(err)
	}
	if len(c.publishes) == 0 {
		c.announceSettled()
	}
}

// The library calls the exported functions in a step; goLog at other times, too. They run no code of the program, so
// no panic of it meets a stack frame of C.

func client(handle C.uintptr_t) *Client { return cgo.Handle(handle).Value().(*Client) }

func (c *Client) later(call func()) { c.gathered = append(c.gathered, item{call: call}) }

//export goConnected
func goConnected(handle C.uintptr_t, rc, reason C.int, sessionPresent C.bool, list C.pmqtt_properties) {
	c := client(handle)
	properties := propertiesOf(list)
	if rc != 0 {
		err := c.authEnded(refused(rc, reason, properties))
		c.later(func() { c.connectFailed(err) })
		return
	}
	negotiated := c.negotiate(properties)
	if !sessionPresent {
		c.mu.Lock()
		c.resubscribe(negotiated.Version)
		c.mu.Unlock()
	}
	c.later(func() { c.connected(bool(sessionPresent), negotiated) })
}

//export goConnectFailed
func goConnectFailed(handle C.uintptr_t, rc C.int) {
	c := client(handle)
	err := c.authEnded(c.lastError(rc))
	c.later(func() { c.connectFailed(err) })
}

//export goDisconnected
func goDisconnected(handle C.uintptr_t, rc, reason C.int, list C.pmqtt_properties) {
	c := client(handle)
	err := c.authEnded(withReason(c.lastError(rc), int(reason), propertiesOf(list)))
	c.later(func() { c.disconnected(err) })
}

//export goAnswered
func goAnswered(handle C.uintptr_t, mid C.uint64_t, rc, code, reason C.int, list C.pmqtt_properties) {
	c := client(handle)
	properties := propertiesOf(list)
	c.later(func() { c.answered(uint64(mid), rc, int(code), int(reason), properties) })
}

//export goWritable
func goWritable(handle C.uintptr_t) {
	c := client(handle)
	c.later(func() {
		c.mu.Lock()
		c.announceRoom()
		c.mu.Unlock()
		c.hook(c.options.OnWritable)
	})
}

//export goDrained
func goDrained(handle C.uintptr_t) {
	c := client(handle)
	c.later(func() { c.hook(c.options.OnDrained) })
}

//export goLog
func goLog(handle C.uintptr_t, level C.int, text *C.char) {
	c := client(handle)
	line := C.GoString(text)
	c.inbox.put(item{
		call: func() { c.options.OnLog(LogLevel(level), line) },
		size: len(line) + messageOverhead,
	})
}
