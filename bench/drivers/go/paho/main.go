// The work, done with paho.mqtt.golang. Handlers run in order, as is its default.
package main

import (
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bench/work"
)

const quiesceMS = 1000

func main() {
	w := work.Parse()
	switch w.Kind {
	case "connect":
		for i := 0; i < w.Count; i++ {
			connect(w, 0).Disconnect(quiesceMS)
		}
	case "idle":
		for i := 0; i < w.Clients; i++ {
			publish(w, connect(w, i), i)
		}
		select {}
	case "publish":
		client := connect(w, 0)
		publish(w, client, 0)
		client.Disconnect(quiesceMS)
	default:
		receive(w)
	}
}

func check(token mqtt.Token) {
	token.Wait()
	work.Check(token.Error())
}

func connect(w work.Work, stream int) mqtt.Client {
	options := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", w.Port))
	options.SetClientID(fmt.Sprintf("go-%d", stream)).SetKeepAlive(60 * time.Second).SetAutoReconnect(false)
	client := mqtt.NewClient(options)
	check(client.Connect())
	return client
}

// publish keeps a window of tokens, and waits for the oldest.
func publish(w work.Work, client mqtt.Client, stream int) {
	window := make([]mqtt.Token, w.Window)
	for i := 0; i < w.Count; i++ {
		if oldest := window[i%len(window)]; oldest != nil {
			check(oldest)
		}
		// Paho keeps the payload until the message is settled.
		payload := make([]byte, w.Size)
		work.Mark(payload, stream, i)
		window[i%len(window)] = client.Publish(work.Topic, w.QoS, false, payload)
	}
	for _, token := range window {
		if token != nil {
			check(token)
		}
	}
}

func receive(w work.Work) {
	done := make(chan struct{})
	receiver := work.Receiver{Work: w}
	client := connect(w, 0)
	check(client.Subscribe(work.Topic, w.QoS, func(client mqtt.Client, message mqtt.Message) {
		if !receiver.Take(message.Topic(), message.Payload(), message.Qos()) {
			close(done)
		} else if w.Kind == "echo" {
			client.Publish(work.Topic, 0, false, message.Payload())
		}
	}))
	<-done
	client.Disconnect(quiesceMS)
}
