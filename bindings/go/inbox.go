package pmqtt

import "sync"

// What a message takes beside its topic and payload, roughly.
const messageOverhead = 128

// How many items' memory is kept for the next ones.
const keptItems = 4096

// An item is a message for handlers, or a call of a hook.
type item struct {
	message *Message
	way     *way // of a message that matches a filter
	call    func()
	size    int
}

// An inbox is what waits for handlers: the loop puts in, and deliver takes out.
type inbox struct {
	mu      sync.Mutex
	arrived *sync.Cond
	changed *sync.Cond // there is room, or somebody waits for an outcome
	items   []item
	bytes   int
	limit   int
	// outcomes that somebody may wait for. While there are any the loop must go on, full or not: it
	// may be a handler who waits.
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

// put takes an item, or drops it where the inbox is full: lines for the log, and messages of QoS 0
// while the loop goes on all the same. It takes what has no size, and messages of QoS 1 and 2, of which a
// broker sends no more than are acknowledged.
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

// take waits for items, and gives all there are; nil when the inbox is closed.
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

// release makes room for others. False when the inbox is closed.
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

// waitForRoom holds the loop up while the inbox is full, and with it the broker.
func (in *inbox) waitForRoom() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.full() && in.expected == 0 && !in.closed {
		in.changed.Wait()
	}
}

// expect notes that somebody may wait for an outcome, until settled.
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

func (in *inbox) droppedMessages() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dropped
}
