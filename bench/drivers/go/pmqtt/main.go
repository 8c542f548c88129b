// The work, done with pmqtt's Go package. It prints how often it has called into C.
package main

import (
	"context"
	"fmt"
	"runtime"

	"pmqtt"

	"bench/work"
)

var background = context.Background()

func main() {
	w := work.Parse()
	switch w.Kind {
	case "connect":
		client := open(w)
		for i := 0; i < w.Count; i++ {
			work.Check(client.Connect(background))
			work.Check(client.Disconnect(background))
		}
	case "idle":
		for i := 0; i < w.Clients; i++ {
			client := open(w)
			work.Check(client.Connect(background))
			publish(w, client, i)
		}
		select {}
	case "publish":
		client := open(w)
		work.Check(client.Connect(background))
		publish(w, client, 0)
		work.Check(client.Disconnect(background))
	default:
		receive(w)
	}
	fmt.Println(runtime.NumCgoCall())
}

func open(w work.Work) *pmqtt.Client {
	client, err := pmqtt.New(pmqtt.Options{Broker: fmt.Sprintf("127.0.0.1:%d", w.Port)})
	work.Check(err)
	return client
}

// publish keeps a window of tokens, and waits for the oldest.
func publish(w work.Work, client *pmqtt.Client, stream int) {
	window := make([]*pmqtt.Token, w.Window)
	payload := make([]byte, w.Size)
	for i := 0; i < w.Count; i++ {
		if oldest := window[i%len(window)]; oldest != nil {
			work.Check(oldest.Wait(background))
		}
		work.Mark(payload, stream, i)
		window[i%len(window)] = client.PublishAsync(work.Topic, payload, pmqtt.QoS(w.QoS), false)
	}
	for _, token := range window {
		if token != nil {
			work.Check(token.Wait(background))
		}
	}
}

func receive(w work.Work) {
	done := make(chan struct{})
	receiver := work.Receiver{Work: w}
	client := open(w)
	work.Check(client.Connect(background))
	_, err := client.Subscribe(background, work.Topic, pmqtt.QoS(w.QoS), func(message *pmqtt.Message) {
		if !receiver.Take(message.Topic, message.Payload, byte(message.QoS)) {
			close(done)
		} else if w.Kind == "echo" {
			client.PublishAsync(work.Topic, message.Payload, pmqtt.AtMostOnce, false)
		}
	})
	work.Check(err)
	<-done
	work.Check(client.Disconnect(background))
}
