package pmqtt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pmqtt"
)

// Requests of many goroutines, of which some time out, and some are cancelled at about the time of the response. Each
// ends with its own response or with the error of its own context.
func TestManyRequests(t *testing.T) { manyRequests(t, 1000, 50) }

func manyRequests(t *testing.T, count, together int) {
	responder := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	subscribe(t, responder, "many/+", 2, func(m *pmqtt.Message) {
		if m.Topic == "many/answered" {
			m.ReplyAsync(pmqtt.Publication{Payload: m.Payload, QoS: m.QoS})
		}
	})
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	goroutines := runtime.NumGoroutine()
	numbers := make(chan int)
	var all sync.WaitGroup
	var mu sync.Mutex
	var answered, late, cancelled int
	for g := 0; g < together; g++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range numbers {
				request := pmqtt.Publication{Topic: "many/answered", Payload: []byte(fmt.Sprint(i)), QoS: pmqtt.QoS(i % 3)}
				ctx, cancel := context.WithTimeout(context.Background(), bound)
				switch i % 4 {
				case 2:
					request.Topic = "many/silent"
					ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
				case 3:
					time.AfterFunc(time.Duration(rand.Intn(20_000))*time.Microsecond, cancel)
				}
				response, err := client.Request(ctx, request)
				cancel()
				mu.Lock()
				switch {
				case err == nil && i%4 != 2 && bytes.Equal(response.Payload, request.Payload):
					answered++
				case err == context.DeadlineExceeded && i%4 == 2 && response == nil:
					late++
				case err == context.Canceled && i%4 == 3 && response == nil:
					cancelled++
				default:
					t.Errorf("request %d: %v, %+v", i, err, response)
				}
				mu.Unlock()
			}
		}()
	}
	for i := 0; i < count; i++ {
		numbers <- i
	}
	close(numbers)
	all.Wait()
	if answered+late+cancelled != count || late != count/4 || answered < count/2 {
		t.Errorf("%d answered, %d late, %d cancelled", answered, late, cancelled)
	}
	eventually(t, "no goroutine stays", func() bool { return runtime.NumGoroutine() <= goroutines })
	must(t, client.Drain(contextOf(t)))
	t.Logf("%d answered, %d late, %d cancelled, %d responses dropped", answered, late, cancelled,
		client.Stats().ResponsesDropped)
}

func TestResponse(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	all := make(chan *pmqtt.Message, 10)
	subscribe(t, client, "#", 0, func(m *pmqtt.Message) { all <- m })
	asked := make(chan *pmqtt.Message, 10)
	responder := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	subscribe(t, responder, "response", 1, func(m *pmqtt.Message) { asked <- m })
	replied := make(chan error, 10)
	for _, size := range []int{0, 10, 100_000} {
		response := pmqtt.Publication{QoS: 1, Payload: make([]byte, size),
			Properties: &pmqtt.Properties{ContentType: "text/plain"}}
		go func() { replied <- (<-asked).Reply(context.Background(), response) }()
		m, err := client.Request(contextOf(t), pmqtt.Publication{Topic: "response", QoS: 1,
			Properties: &pmqtt.Properties{ContentType: "question"}})
		must(t, err)
		if p := m.Properties(); len(m.Payload) != size || p.ContentType != "text/plain" ||
			len(p.CorrelationData) == 0 {
			t.Fatalf("size %d: %+v, %+v", size, m, p)
		}
		must(t, receive(t, replied))
		if response.Topic != "" || response.Properties.CorrelationData != nil {
			t.Fatalf("Reply has changed its argument: %+v", response)
		}
		// The handler gets the request, and not the response.
		if m := receive(t, all); m.Topic != "response" || m.Properties().ContentType != "question" {
			t.Fatalf("%+v", m)
		}
	}

	// A second response finds no request. This client has no subscription that matches it, too.
	client = connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	go func() {
		m := <-asked
		replied <- m.Reply(context.Background(), pmqtt.Publication{QoS: 1})
		replied <- m.ReplyAsync(pmqtt.Publication{QoS: 1}).Wait(context.Background())
	}()
	m, err := client.Request(contextOf(t), pmqtt.Publication{Topic: "response", QoS: 1})
	must(t, err)
	must(t, receive(t, replied))
	must(t, receive(t, replied))
	if err := m.Ack(); m.QoS != 1 || !errors.Is(err, pmqtt.ErrNotFound) {
		t.Error(m.QoS, err)
	}
	eventually(t, "the second response is dropped", func() bool { return client.Stats().ResponsesDropped == 1 })
}

// A handler can wait for a response, also where the inbox is full.
func TestRequestInHandler(t *testing.T) {
	responder := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	subscribe(t, responder, "inner", 1, func(m *pmqtt.Message) { m.ReplyAsync(pmqtt.Publication{QoS: 1}) })
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, MaxPendingBytes: 1})
	ends := make(chan error, 1)
	subscribe(t, client, "outer", 1, func(*pmqtt.Message) {
		_, err := client.Request(contextOf(t), pmqtt.Publication{Topic: "inner", QoS: 1})
		ends <- err
	})
	for i := 0; i < 3; i++ {
		publish(t, responder, "outer", "", 1)
	}
	for i := 0; i < 3; i++ {
		must(t, receive(t, ends))
	}
}

func TestReplyErrors(t *testing.T) {
	came := make(chan *pmqtt.Message, 10)
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5, OnMessage: func(m *pmqtt.Message) { came <- m },
		Broker: serve(t, nil, func(conn net.Conn, kind byte, body []byte) {
			if kind == packetConnect {
				conn.Write(accept5)
				conn.Write(packet5(0x30, "\x00\x01a", ""))
				conn.Write(packet5(0x30, "\x00\x01a", "\x09\x00\x01c"))
				conn.Write(packet5(0x30, "\x00\x01a", "\x08\x00\x01r\x09\x00\x01c"))
			}
		})})
	must(t, client.Connect(contextOf(t)))
	check := func(m *pmqtt.Message, response pmqtt.Publication, want error) {
		t.Helper()
		if err := m.Reply(contextOf(t), response); !errors.Is(err, want) {
			t.Error(err)
		}
		if err := m.ReplyAsync(response).Wait(contextOf(t)); !errors.Is(err, want) {
			t.Error(err)
		}
	}
	check(receive(t, came), pmqtt.Publication{}, pmqtt.ErrNotFound)
	check(receive(t, came), pmqtt.Publication{}, pmqtt.ErrNotFound)
	m := receive(t, came)
	check(m, pmqtt.Publication{Topic: "b"}, pmqtt.ErrInvalid)
	check(m, pmqtt.Publication{Properties: &pmqtt.Properties{CorrelationData: []byte{}}}, pmqtt.ErrInvalid)
	must(t, client.Close())
	check(m, pmqtt.Publication{}, pmqtt.ErrClosed)
}

// only311 is a broker that does not speak MQTT 5.
func only311(conn net.Conn, kind byte, body []byte) {
	switch {
	case kind == packetConnect && body[6] == 5:
		conn.Write([]byte{0x20, 2, 0, 1}) // unacceptable protocol version
		conn.Close()
	case kind == packetConnect:
		conn.Write(connAck)
	}
}

func TestProtocolBest(t *testing.T) {
	fails := make(chan error, 10)
	for address, want := range map[string]pmqtt.Protocol{broker: pmqtt.MQTT5, serve(t, nil, only311): pmqtt.MQTT311} {
		client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTTBest, Broker: address,
			OnConnectFail: func(err error) { fails <- err }, OnDisconnect: func(err error) { fails <- err }})
		n, err := client.Negotiated()
		must(t, err)
		if n.Version != want {
			t.Errorf("%v, not %v", n.Version, want)
		}
		select {
		case err := <-fails:
			t.Error(err)
		default:
		}
	}
}

// Each end of a request that is no response.
func TestRequestErrors(t *testing.T) {
	const notAuthorized = 0x87
	at := func(options pmqtt.Options, connected bool) *pmqtt.Client {
		t.Helper()
		if options.Protocol == 0 {
			options.Protocol = pmqtt.MQTT5
		}
		if connected {
			return connect(t, options)
		}
		return create(t, options)
	}
	check := func(what string, client *pmqtt.Client, message pmqtt.Publication, want error, reason int) {
		t.Helper()
		response, err := client.Request(contextOf(t), message)
		if response != nil || !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", what, response, err)
		}
		var told *pmqtt.Error
		if reason >= 0 && (!errors.As(err, &told) || told.Reason != reason) {
			t.Errorf("%s: %+v", what, err)
		}
	}
	question := pmqtt.Publication{Topic: "a", QoS: 1}

	refusing := func(subscription byte) string {
		return serve(t, nil, accepting5(func(conn net.Conn, kind byte, body []byte) {
			switch kind {
			case packetSubscribe:
				conn.Write(answer5(0x90, body, "", subscription))
			case packetPublish:
				conn.Write([]byte{0x40, 3, body[3], body[4], notAuthorized})
			}
		}))
	}
	check("PUBACK", at(pmqtt.Options{Broker: refusing(1)}, true), question, pmqtt.ErrRejected, notAuthorized)
	check("SUBACK", at(pmqtt.Options{Broker: refusing(notAuthorized)}, true), question, pmqtt.ErrRejected, notAuthorized)
	check("3.1.1", at(pmqtt.Options{Protocol: pmqtt.MQTT311}, true), question, pmqtt.ErrNotSupported, -1)

	client := at(pmqtt.Options{}, false)
	check("expired", client, pmqtt.Publication{Topic: "a", QoS: 1, Expiry: time.Second}, pmqtt.ErrExpired, -1)
	check("no connection", client, pmqtt.Publication{Topic: "a"}, pmqtt.ErrNotConnected, -1)
	check("wildcard", client, pmqtt.Publication{Topic: "#", QoS: 1}, pmqtt.ErrInvalid, -1)
	check("NUL", client, pmqtt.Publication{Topic: "\x00", QoS: 1}, pmqtt.ErrInvalid, -1)
	check("response topic", client, pmqtt.Publication{Topic: "a", QoS: 1,
		Properties: &pmqtt.Properties{ResponseTopic: "b"}}, pmqtt.ErrInvalid, -1)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Request(ended, question); err != context.Canceled {
		t.Error(err)
	}

	waiting := make(chan error, 10)
	wait := func(client *pmqtt.Client) {
		t.Helper()
		before := client.Stats().Queued
		go func() {
			_, err := client.Request(context.Background(), question)
			waiting <- err
		}()
		eventually(t, "the request waits", func() bool { return client.Stats().Queued > before })
	}
	wait(client)
	must(t, client.ClearQueue())
	if err := receive(t, waiting); !errors.Is(err, pmqtt.ErrCancelled) {
		t.Error(err)
	}
	full := at(pmqtt.Options{MaxQueuedMessages: 1}, false)
	wait(full)
	check("full", full, question, pmqtt.ErrQueueFull, -1)
	older := at(pmqtt.Options{Protocol: pmqtt.MQTTBest, Broker: serve(t, nil, only311)}, false)
	wait(older)
	must(t, older.Connect(contextOf(t)))
	if err := receive(t, waiting); !errors.Is(err, pmqtt.ErrNotSupported) {
		t.Error(err)
	}
}

// A context that ends takes the message out of the queue, and Close ends each request that waits.
func TestRequestsEnd(t *testing.T) {
	client := create(t, pmqtt.Options{Protocol: pmqtt.MQTT5})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := client.Request(ctx, pmqtt.Publication{Topic: "a", QoS: 1}); err != context.DeadlineExceeded {
		t.Fatal(err)
	}
	eventually(t, "the queue is empty", func() bool { return client.Stats().Queued == 0 })

	must(t, client.Connect(contextOf(t)))
	goroutines := runtime.NumGoroutine()
	const count = 50
	ends := make(chan error, count)
	for i := 0; i < count; i++ {
		go func(qos pmqtt.QoS) {
			_, err := client.Request(context.Background(), pmqtt.Publication{Topic: "nobody", QoS: qos})
			ends <- err
		}(pmqtt.QoS(i % 3))
	}
	eventually(t, "the requests are sent", func() bool { return client.Stats().MessagesOut >= count })
	atOnce(t, func() { must(t, client.Close()) })
	for i := 0; i < count; i++ {
		if err := receive(t, ends); err != pmqtt.ErrClosed {
			t.Error(err)
		}
	}
	if _, err := client.Request(context.Background(), pmqtt.Publication{Topic: "a"}); err != pmqtt.ErrClosed {
		t.Error(err)
	}
	eventually(t, "no goroutine stays", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// The responses go to a topic below the broker's response information, if the options ask for it.
func TestResponseInfo(t *testing.T) {
	client := connect(t, pmqtt.Options{Protocol: pmqtt.MQTT5, RequestResponseInfo: true, Broker: serve(t, nil,
		func(conn net.Conn, kind byte, body []byte) {
			switch kind {
			case packetConnect:
				conn.Write(packet5(0x20, "\x00\x00", "\x1a\x00\x04mine"))
			case packetSubscribe:
				conn.Write(answer5(0x90, body, "", 1))
			case packetPublish: // to "a", at QoS 0; it comes back as its own response
				properties := string(body[4:])
				topic := properties[strings.Index(properties, "\x08")+1:]
				topic = topic[:2+int(topic[1])]
				conn.Write(packet5(0x30, topic, properties[strings.Index(properties, "\x09"):]))
			}
		})})
	m, err := client.Request(contextOf(t), pmqtt.Publication{Topic: "a"})
	must(t, err)
	if !strings.HasPrefix(m.Topic, "mine/") {
		t.Fatal(m.Topic)
	}
}
