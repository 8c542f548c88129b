package pmqtt

import "sync"

// About how many bytes a message takes in addition to its topic and payload.
const messageOverhead = 128

// The memory of at most this many items is kept for the next ones.
const keptItems = 4096

// An item is a message for handlers, or a call of a hook.
type item struct {
	message *Message
	way     *way // of a message that matches a filter
	call    func()
	size    int
}

// An inbox holds the items that wait for handlers. The loop puts them in, and deliver takes them out.
type inbox struct {
	mu      sync.Mutex
	arrived *sync.Cond
	changed *sync.Cond // there is room, or a call waits for an outcome
	items   []item
	bytes   int
	limit   int
	// expected counts outcomes that a call may wait for. While there are any, the loop goes on even if the inbox is
	// full, because a handler may be waiting.
	expected int
	dropped  uint64
	closed   bool
}

func (in *inbox) init(limit int) {
	in.arrived, in.changed = sync.NewCond(&in.mu), sync.NewCond(&in.mu)
	in.limit = limit
	if limit <= 0 {
		in.limit = defaultPendingBytes
	}
}

// put adds an item. If the inbox is full, it drops log lines, and messages of QoS 0 while an outcome is expected. It
// always adds items without a size, and messages of QoS 1 and 2: the broker limits their number until they are
// acknowledged.
func (in *inbox) put(it item) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
	case in.full() && it.message == nil && it.size > 0:
	case in.full() && it.message != nil && it.message.QoS == AtMostOnce && in.expected > 0:
		in.dropped++
	default:
		in.bytes += it.size
		in.items = append(in.items, it)
		if len(in.items) == 1 {
			in.arrived.Signal()
		}
	}
}

func (in *inbox) full() bool { return in.bytes >= in.limit }

// take waits for items and returns all of them, or nil when the inbox is closed.
func (in *inbox) take(spare []item) []item {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.items) == 0 && !in.closed {
		in.arrived.Wait()
	}
	if in.closed {
		return nil
	}
	items := in.items
	in.items = nil
	if cap(spare) <= keptItems {
		in.items = spare[:0]
	}
	return items
}

// release makes room for other items. It returns false when the inbox is closed.
func (in *inbox) release(size int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	wasFull := in.full()
	in.bytes -= size
	if wasFull && !in.full() {
		in.changed.Signal()
	}
	return !in.closed
}

// waitForRoom blocks the loop, and so the broker, while the inbox is full.
func (in *inbox) waitForRoom() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.full() && in.expected == 0 && !in.closed {
		in.changed.Wait()
	}
}

// expect notes that a call may wait for an outcome, until settled.
func (in *inbox) expect() {
	in.mu.Lock()
	in.expected++
	if in.expected == 1 {
		in.changed.Signal()
	}
	in.mu.Unlock()
}

func (in *inbox) settled(count int) {
	in.mu.Lock()
	in.expected -= count
	in.mu.Unlock()
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.items = nil
	in.arrived.Broadcast()
	in.changed.Broadcast()
}

func (in *inbox) isClosed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.closed
}

func (in *inbox) droppedMessages() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dropped
}
