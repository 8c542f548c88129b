// A mochi broker for the conformance test, as scripts/brokers describes it.
//
//	mochi ADDRESS [limited]
package main

import (
	"bytes"
	"log"
	"os"
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

func main() {
	limited := len(os.Args) > 2
	server := mqtt.New(&mqtt.Options{Capabilities: capabilities(limited)})
	check(server.AddHook(&users{limited: limited}, nil))
	check(server.AddListener(listeners.NewTCP(listeners.Config{ID: "tcp", Address: os.Args[1]})))
	check(server.Serve())
	select {}
}

func capabilities(limited bool) *mqtt.Capabilities {
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.TopicAliasMaximum = 32
	// The default adds an expiry to each message.
	capabilities.MaximumMessageExpiryInterval = 0
	// The default drops messages of the cases.
	capabilities.MaximumClientWritesPending = 100000
	if limited {
		capabilities.TopicAliasMaximum = 0
		capabilities.RetainAvailable = 0
		capabilities.MaximumQos = 1
		capabilities.ReceiveMaximum = 3
		capabilities.MaximumPacketSize = 2000
	}
	return capabilities
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type users struct {
	mqtt.HookBase
	limited bool
}

func (*users) Provides(hook byte) bool {
	switch hook {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPacketEncode:
		return true
	}
	return false
}

func (u *users) OnConnect(client *mqtt.Client, _ packets.Packet) error {
	if u.limited {
		client.State.Keepalive, client.State.ServerKeepalive = 10, true
	}
	return nil
}

// OnPacketEncode states in CONNACK what the broker itself does not state of its capabilities.
func (u *users) OnPacketEncode(_ *mqtt.Client, packet packets.Packet) packets.Packet {
	if packet.FixedHeader.Type == packets.Connack && packet.ReasonCode == 0 {
		with := capabilities(u.limited)
		packet.Properties.TopicAliasMaximum = with.TopicAliasMaximum
		packet.Properties.MaximumPacketSize = with.MaximumPacketSize
		packet.Properties.RetainAvailable = with.RetainAvailable
		packet.Properties.RetainAvailableFlag = with.RetainAvailable == 0
	}
	return packet
}

func (*users) OnConnectAuthenticate(_ *mqtt.Client, connect packets.Packet) bool {
	with := connect.Connect
	return !with.UsernameFlag ||
		bytes.Equal(with.Username, []byte("user")) && bytes.Equal(with.Password, []byte("right"))
}

func (*users) OnACLCheck(_ *mqtt.Client, topic string, _ bool) bool {
	levels := strings.Split(topic, "/")
	return len(levels) < 2 || levels[1] != "denied"
}
