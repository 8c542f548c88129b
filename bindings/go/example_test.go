package pmqtt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"pmqtt"
)

// A client that subscribes, publishes, and disconnects.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	client, err := pmqtt.New(pmqtt.Options{Broker: broker})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	heard := make(chan bool)
	_, err = client.Subscribe(ctx, "greetings/+", pmqtt.AtLeastOnce, func(m *pmqtt.Message) {
		fmt.Printf("%s: %s\n", m.Topic, m.Payload)
		heard <- true
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Publish(ctx, "greetings/world", []byte("hello"), pmqtt.ExactlyOnce, false); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the broker has it")
	<-heard
	// Unordered output:
	// the broker has it
	// greetings/world: hello
}

// Many messages are in flight at once, and each has its outcome.
func ExampleClient_PublishAsync() {
	ctx := context.Background()
	client, err := pmqtt.New(pmqtt.Options{Broker: broker})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	var tokens []*pmqtt.Token
	for i := 0; i < 1000; i++ {
		tokens = append(tokens, client.PublishAsync("readings", []byte(fmt.Sprint(i)), pmqtt.AtLeastOnce, false))
	}
	acknowledged := 0
	for _, token := range tokens {
		<-token.Done()
		if token.Err() == nil {
			acknowledged++
		}
	}
	fmt.Println(acknowledged)
	// Output: 1000
}

// Messages by a channel.
func ExampleClient_SubscribeChan() {
	ctx := context.Background()
	client, err := pmqtt.New(pmqtt.Options{Broker: broker})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	messages, err := client.SubscribeChan(ctx, "jobs/#", pmqtt.AtLeastOnce, 10)
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range []string{"wash", "dry", "end"} {
		client.PublishAsync("jobs/"+job, nil, pmqtt.AtLeastOnce, false)
	}
	for m := range messages {
		fmt.Println(m.Topic)
		if m.Topic == "jobs/end" {
			client.Close() // closes the channel, too
		}
	}
	// Output:
	// jobs/wash
	// jobs/dry
	// jobs/end
}

// errors.Is distinguishes errors.
func ExampleCode() {
	client, err := pmqtt.New(pmqtt.Options{Broker: broker})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.Publish(context.Background(), "readings", nil, pmqtt.AtMostOnce, false)
	fmt.Println(errors.Is(err, pmqtt.ErrNotConnected))
	// Output: true
}

// One message, with its own connection.
func ExamplePublishSingle() {
	err := pmqtt.PublishSingle(context.Background(), pmqtt.Options{Broker: broker},
		pmqtt.Publication{Topic: "doors/front", Payload: []byte("open"), QoS: pmqtt.AtLeastOnce})
	fmt.Println(err)
	// Output: <nil>
}

// A message with properties (MQTT 5).
func ExampleClient_PublishWith() {
	ctx := context.Background()
	client, err := pmqtt.New(pmqtt.Options{Broker: broker, Protocol: pmqtt.MQTT5})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	messages, err := client.SubscribeChan(ctx, "pressure", pmqtt.AtLeastOnce, 1)
	if err != nil {
		log.Fatal(err)
	}
	err = client.PublishWith(ctx, pmqtt.Publication{
		Topic:   "pressure",
		Payload: []byte("1013"),
		QoS:     pmqtt.AtLeastOnce,
		Expiry:  time.Minute,
		Properties: &pmqtt.Properties{
			ContentType:    "text/plain",
			UserProperties: []pmqtt.UserProperty{{Name: "unit", Value: "hPa"}},
		},
	})
	if err != nil {
		log.Fatal(err) // errors.As finds an Error, with the broker's Reason
	}
	m := <-messages
	unit, _ := m.Properties().User("unit")
	fmt.Println(string(m.Payload), unit)
	// Output: 1013 hPa
}

// A request and its response (MQTT 5).
func ExampleClient_Request() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := pmqtt.New(pmqtt.Options{Broker: broker, Protocol: pmqtt.MQTT5})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	// Usually another program answers.
	_, err = client.Subscribe(ctx, "upper", pmqtt.AtLeastOnce, func(m *pmqtt.Message) {
		m.ReplyAsync(pmqtt.Publication{Payload: bytes.ToUpper(m.Payload), QoS: m.QoS})
	})
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Request(ctx, pmqtt.Publication{Topic: "upper", Payload: []byte("hello"), QoS: pmqtt.AtLeastOnce})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response.Payload))
	// Output: HELLO
}

// A will, and a secured connection with a client certificate.
func ExampleOptions() {
	_, err := pmqtt.New(pmqtt.Options{
		Broker:   "broker.example.com", // port 8883, as it is TLS
		ClientID: "gateway-7",
		Durable:  true,
		Will:     &pmqtt.Publication{Topic: "gateways/7", Payload: []byte("offline"), QoS: 1, Retain: true},
		TLS:      &pmqtt.TLS{CertificateFile: "/no/gateway.pem", KeyFile: "/no/gateway.key"},
	})
	fmt.Println(errors.Is(err, pmqtt.ErrOS))
	// Output: true
}
