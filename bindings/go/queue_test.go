package pmqtt_test

import (
	"errors"
	"testing"
	"time"

	"pmqtt"
)

func TestDropOldest(t *testing.T) {
	client := create(t, pmqtt.Options{MaxQueuedMessages: 1, WhenFull: pmqtt.DropOldest})
	first := client.PublishAsync("a", nil, 1, false)
	second := client.PublishAsync("a", nil, 1, false)
	if err := first.Wait(contextOf(t)); !errors.Is(err, pmqtt.ErrDropped) {
		t.Fatal(err)
	}
	must(t, client.Cancel(second))
	if err := second.Wait(contextOf(t)); !errors.Is(err, pmqtt.ErrCancelled) {
		t.Fatal(err)
	}
	if err := client.Cancel(second); !errors.Is(err, pmqtt.ErrNotFound) {
		t.Fatal(err)
	}
	if stats := client.Stats(); stats.DroppedOut != 1 || stats.Cancelled != 1 {
		t.Fatal(stats)
	}
}

func TestPublishBatch(t *testing.T) {
	client := create(t, pmqtt.Options{MaxQueuedMessages: 2, KeepQoS0: true, NewestOnly: true})
	messages := []pmqtt.Publication{
		{Topic: "a", Payload: []byte("1")},
		{Topic: "a", Payload: []byte("2"), QoS: 1},
		{Topic: "b", QoS: 2},
		{Topic: "c"},
	}
	tokens, err := client.PublishBatch(messages)
	if !errors.Is(err, pmqtt.ErrQueueFull) || len(tokens) != 3 {
		t.Fatal(len(tokens), err)
	}
	if err := tokens[0].Wait(contextOf(t)); !errors.Is(err, pmqtt.ErrDropped) {
		t.Fatal(err)
	}
	must(t, client.ClearQueue())
	for _, token := range tokens[1:] {
		if err := token.Wait(contextOf(t)); !errors.Is(err, pmqtt.ErrCancelled) {
			t.Fatal(err)
		}
	}
}

func TestExpiry(t *testing.T) {
	client := create(t, pmqtt.Options{KeepQoS0: true})
	tokens, err := client.PublishBatch([]pmqtt.Publication{
		{Topic: "a", Expiry: time.Millisecond},
		{Topic: "a", QoS: 1, Expiry: time.Second},
		{Topic: "a", QoS: 2, Expiry: 1000000 * time.Hour},
		{Topic: "a", QoS: 1},
	})
	must(t, err)
	begun := time.Now()
	for _, token := range tokens[:2] {
		if err := token.Wait(contextOf(t)); !errors.Is(err, pmqtt.ErrExpired) {
			t.Fatal(err)
		}
	}
	if passed := time.Since(begun); passed < 900*time.Millisecond {
		t.Fatal(passed)
	}
	if stats := client.Stats(); stats.Expired != 2 || stats.Unsettled != 2 {
		t.Fatal(stats)
	}
	_, err = client.PublishBatch([]pmqtt.Publication{{Topic: "a", Expiry: -1}})
	if !errors.Is(err, pmqtt.ErrInvalid) {
		t.Fatal(err)
	}
	_, err = pmqtt.New(pmqtt.Options{Will: &pmqtt.Publication{Topic: "a", Expiry: time.Second}})
	if !errors.Is(err, pmqtt.ErrNotSupported) {
		t.Fatal(err)
	}
}
