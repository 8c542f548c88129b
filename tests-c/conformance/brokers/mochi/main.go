// A mochi broker for the conformance test: anybody may connect without a user name, or as "user" with
// the password "right".
//
//	mochi ADDRESS
package main

import (
	"bytes"
	"log"
	"os"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

func main() {
	server := mqtt.New(nil)
	check(server.AddHook(new(users), nil))
	check(server.AddListener(listeners.NewTCP(listeners.Config{ID: "tcp", Address: os.Args[1]})))
	check(server.Serve())
	select {}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type users struct {
	mqtt.HookBase
}

func (*users) Provides(hook byte) bool {
	return hook == mqtt.OnConnectAuthenticate || hook == mqtt.OnACLCheck
}

func (*users) OnConnectAuthenticate(_ *mqtt.Client, connect packets.Packet) bool {
	with := connect.Connect
	return !with.UsernameFlag ||
		bytes.Equal(with.Username, []byte("user")) && bytes.Equal(with.Password, []byte("right"))
}

func (*users) OnACLCheck(*mqtt.Client, string, bool) bool {
	return true
}
