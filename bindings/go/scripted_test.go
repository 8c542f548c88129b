package pmqtt_test

import (
	"bufio"
	"io"
	"net"
	"testing"
)

// A scripted broker does what mosquitto does not: it answers each packet as a test decides, or not at all.
type script func(conn net.Conn, kind byte, body []byte)

const (
	packetConnect     = 1
	packetPublish     = 3
	packetPubAck      = 4
	packetPubRec      = 5
	packetPubRel      = 6
	packetSubscribe   = 8
	packetUnsubscribe = 10
	packetDisconnect  = 14
	packetAuth        = 15
)

var (
	connAck = []byte{0x20, 2, 0, 0}
	accept5 = packet5(0x20, "\x00\x00", "")
	refusal = []byte{0x20, 2, 0, 5}
)

// serve starts a scripted broker on a listener, or on a new one, and returns its address.
func serve(t *testing.T, listener net.Listener, answer script) string {
	t.Helper()
	if listener == nil {
		var err error
		listener, err = net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go converse(conn, answer)
		}
	}()
	return listener.Addr().String()
}

func converse(conn net.Conn, answer script) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		first, err := in.ReadByte()
		if err != nil {
			return
		}
		length, shift := 0, 0
		for more := true; more; shift += 7 {
			b, err := in.ReadByte()
			if err != nil {
				return
			}
			length |= int(b&0x7f) << shift
			more = b >= 0x80
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if first>>4 == packetDisconnect {
			if length > 0 { // with a reason
				answer(conn, packetDisconnect, body)
			}
			return
		}
		answer(conn, first>>4, body)
	}
}

// accepting answers CONNECT, and leaves the rest to another script; nil: it answers nothing else.
func accepting(rest script) script {
	return func(conn net.Conn, kind byte, body []byte) {
		if kind == packetConnect {
			conn.Write(connAck)
		} else if rest != nil {
			rest(conn, kind, body)
		}
	}
}

// packet5 is a packet of MQTT 5: what is in front of its properties, and the properties.
func packet5(first byte, front, properties string) []byte {
	body := front + string([]byte{byte(len(properties))}) + properties
	return append([]byte{first, byte(len(body))}, body...)
}

// answer5 is a SUBACK or an UNSUBACK of MQTT 5 for one filter.
func answer5(first byte, body []byte, properties string, code byte) []byte {
	packet := append(packet5(first, string(body[:2]), properties), code)
	packet[1]++
	return packet
}

// accepting5 is accepting for MQTT 5.
func accepting5(rest script) script {
	return func(conn net.Conn, kind byte, body []byte) {
		if kind == packetConnect {
			conn.Write(accept5)
		} else if rest != nil {
			rest(conn, kind, body)
		}
	}
}

// subAck is the answer to a SUBSCRIBE.
func subAck(body []byte, code byte) []byte { return []byte{0x90, 3, body[0], body[1], code} }

// message is a PUBLISH with the payload "x"; an id of 0: of QoS 0, else of QoS 1.
func message(topic string, id byte) []byte {
	packet := append([]byte{0x30, 0, 0, byte(len(topic))}, topic...)
	if id != 0 {
		packet[0] = 0x32
		packet = append(packet, 0, id)
	}
	packet = append(packet, 'x')
	packet[1] = byte(len(packet) - 2)
	return packet
}
