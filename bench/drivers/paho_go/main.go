// The work (see drivers/work.h), done with paho.mqtt.golang.  Handlers run in order, which is its default.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const topic = "bench/topic"

var (
	kind  string
	qos   byte
	count int
	size  int
	port  int
)

func main() {
	if len(os.Args) < 6 {
		log.Fatalf("usage: %s WORK QOS COUNT SIZE PORT [CLIENTS]", os.Args[0])
	}
	kind = os.Args[1]
	qos = byte(number(2))
	count, size, port = number(3), number(4), number(5)
	clients := 1
	if len(os.Args) > 6 {
		clients = number(6)
	}
	switch kind {
	case "connect":
		for i := 0; i < count; i++ {
			connect(0).Disconnect(1000)
		}
	case "idle":
		for i := 0; i < clients; i++ {
			publish(connect(i), i)
		}
		select {}
	case "publish":
		client := connect(0)
		publish(client, 0)
		client.Disconnect(1000)
	default:
		receive()
	}
}

func number(i int) int {
	value, err := strconv.Atoi(os.Args[i])
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(token mqtt.Token) {
	if token.Wait(); token.Error() != nil {
		log.Fatal(token.Error())
	}
}

func connect(stream int) mqtt.Client {
	options := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", port))
	options.SetClientID(fmt.Sprintf("go-%d", stream)).SetKeepAlive(60 * time.Second).SetAutoReconnect(false)
	client := mqtt.NewClient(options)
	check(client.Connect())
	return client
}

func mark(payload []byte, stream, i int) {
	binary.LittleEndian.PutUint32(payload, uint32(stream))
	binary.LittleEndian.PutUint32(payload[4:], uint32(i))
	copy(payload[size-8:], payload[:8])
}

// publish keeps a window of tokens, and waits for the oldest.
func publish(client mqtt.Client, stream int) {
	window := make([]mqtt.Token, map[byte]int{0: 2000, 1: 20, 2: 20}[qos])
	for i := 0; i < count; i++ {
		if oldest := window[i%len(window)]; oldest != nil {
			check(oldest)
		}
		// It keeps the payload until the message is settled.
		payload := make([]byte, size)
		mark(payload, stream, i)
		window[i%len(window)] = client.Publish(topic, qos, false, payload)
	}
	for _, token := range window {
		if token != nil {
			check(token)
		}
	}
}

func receive() {
	done := make(chan struct{})
	received := 0
	client := connect(0)
	check(client.Subscribe(topic, qos, func(client mqtt.Client, message mqtt.Message) {
		payload := message.Payload()
		last := received == count
		if message.Topic() != topic || len(payload) != size || message.Qos() != qos && !last ||
			int(binary.LittleEndian.Uint32(payload[4:])) != received ||
			string(payload[:8]) != string(payload[size-8:]) {
			log.Fatalf("message %d is not the one that was sent", received)
		}
		if last {
			close(done)
			return
		}
		received++
		if kind == "echo" {
			client.Publish(topic, 0, false, payload)
		}
	}))
	<-done
	client.Disconnect(1000)
}
