// Package work reads the Go drivers' command line (see drivers/work.h), and makes the payloads.
package work

import (
	"encoding/binary"
	"log"
	"os"
	"strconv"
)

const Topic = "bench/topic"

type Work struct {
	Kind    string
	QoS     byte
	Count   int
	Size    int
	Port    int
	Clients int
	// Window is how many messages are published and unsettled at any time.
	Window int
}

func Parse() Work {
	if len(os.Args) < 6 {
		log.Fatalf("usage: %s WORK QOS COUNT SIZE PORT [CLIENTS]", os.Args[0])
	}
	w := Work{Kind: os.Args[1], QoS: byte(number(2)), Count: number(3), Size: number(4), Port: number(5), Clients: 1,
		Window: 20}
	if w.QoS == 0 {
		w.Window = max(128000/w.Size, 4)
	}
	if len(os.Args) > 6 {
		w.Clients = number(6)
	}
	return w
}

func number(i int) int {
	value, err := strconv.Atoi(os.Args[i])
	Check(err)
	return value
}

func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Mark writes a message's number to both ends of its payload.
func Mark(payload []byte, stream, number int) {
	binary.LittleEndian.PutUint32(payload, uint32(stream))
	binary.LittleEndian.PutUint32(payload[4:], uint32(number))
	copy(payload[len(payload)-8:], payload[:8])
}

// A Receiver checks the messages that arrive.
type Receiver struct {
	Work     Work
	received int
}

// Take checks a message, and ends the program if it is not the expected one. It returns false for the
// broker's last message.
func (r *Receiver) Take(topic string, payload []byte, qos byte) bool {
	last := r.received == r.Work.Count
	expected := r.Work.QoS
	if last {
		expected = 0
	}
	if topic != Topic || len(payload) != r.Work.Size || qos != expected ||
		int(binary.LittleEndian.Uint32(payload[4:])) != r.received ||
		string(payload[:8]) != string(payload[len(payload)-8:]) {
		log.Fatalf("message %d is not the one that was sent", r.received)
	}
	if !last {
		r.received++
	}
	return !last
}
