// Says hello to itself through a broker:
//
//	greetings [HOST:PORT]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"pmqtt"
)

func main() {
	broker := "localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := greet(ctx, broker); err != nil {
		log.Fatal(err)
	}
}

func greet(ctx context.Context, broker string) error {
	client, err := pmqtt.New(pmqtt.Options{Broker: broker})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		return err
	}
	messages, err := client.SubscribeChan(ctx, "greetings/go", pmqtt.AtLeastOnce, 1)
	if err != nil {
		return err
	}
	if err := client.Publish(ctx, "greetings/go", []byte("hello"), pmqtt.ExactlyOnce, false); err != nil {
		return err
	}
	select {
	case message := <-messages:
		fmt.Printf("%s: %s\n", message.Topic, message.Payload)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
