package pmqtt_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"pmqtt"
)

// A name server on port 53 and a resolver that asks it, in their own namespaces, so that this machine does not
// change. No host answers at 10.9.9.9.
const machine = `
set -eu
ip link set lo up
ip route add 10.9.9.9/32 dev lo
mount -t tmpfs tmpfs /run
cd /run
echo 'nameserver 127.0.0.1' >resolv.conf
echo 'hosts: files dns' >nsswitch.conf
echo '127.0.0.1 localhost' >hosts
for file in resolv.conf nsswitch.conf hosts; do
    real=$(realpath -m /etc/$file)
    [ -e "$real" ] || install -D /dev/null "$real"
    mount --bind $file "$real"
done
cat >dnsmasq.conf <<CONF
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
local=/test/
host-record=one.test,127.0.0.1
host-record=silent.test,10.9.9.9
srv-host=_mqtt._tcp.good.test,one.test,1884,10,0
srv-host=_mqtt._tcp.mute.test,silent.test,1884,10,0
CONF
dnsmasq --no-daemon --conf-file=dnsmasq.conf >log 2>&1 &
trap 'kill $!' EXIT
"$@"
`

func TestSRV(t *testing.T) {
	inside := os.Getenv("PMQTT_TEST_SRV") != ""
	if !inside {
		own := []string{"unshare", "--map-root-user", "--mount", "--net"}
		if exec.Command(own[0], append(own[1:], "true")...).Run() != nil {
			own = []string{"sudo", "-nE", "unshare", "--mount", "--net"} // user namespaces are forbidden here
		}
		script := append(own, "sh", "-c", machine, "machine", os.Args[0], "-test.run=^TestSRV$", "-test.v")
		program := exec.Command(script[0], script[1:]...)
		program.Env = append(os.Environ(), "PMQTT_TEST_SRV=inside")
		if out, err := program.CombinedOutput(); err != nil || !contains(string(out), "PASS: TestSRV") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}

	own := &mosquitto{dir: t.TempDir(), port: 1884}
	must(t, own.start())
	defer own.kill()
	// The name server may need a moment to start.
	eventually(t, "it connects", func() bool {
		return create(t, pmqtt.Options{Broker: "good.test", SRV: true}).Connect(contextOf(t)) == nil
	})
	options, told := hooks(pmqtt.Options{Broker: "good.test", SRV: true})
	good := create(t, options)
	for i := 0; i < 3; i++ {
		must(t, good.Connect(contextOf(t))) // in place of the connection before
		publish(t, good, "a", "", 1)
	}
	must(t, good.Disconnect(contextOf(t)))
	for i := 0; i < 3; i++ {
		expect(t, told, "connected", "disconnected <nil>")
	}
	for i := 0; i < 20; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*time.Millisecond/4+1)
		err := good.Connect(ctx)
		cancel()
		must(t, good.Connect(contextOf(t)))
		must(t, good.Disconnect(contextOf(t)))
		if err == nil {
			expect(t, told, "connected", "disconnected <nil>")
		}
		expect(t, told, "connected", "disconnected <nil>")
	}

	missing := create(t, pmqtt.Options{Broker: "missing.test", SRV: true})
	if err := missing.Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrDNS) {
		t.Fatal(err)
	}
	mute := create(t, pmqtt.Options{Broker: "mute.test", SRV: true, ConnectTimeout: 200 * time.Millisecond})
	if err := mute.Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrTimeout) {
		t.Fatal(err)
	}

	// A blocked look-up can be given up, and the client closed, at any time.
	for i := 0; i < 20; i++ {
		client := create(t, pmqtt.Options{Broker: "mute.test", SRV: true})
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*time.Millisecond/4)
		atOnce(t, func() {
			if err := client.Connect(ctx); err != context.DeadlineExceeded {
				t.Fatal(err)
			}
			again, cancel := context.WithTimeout(context.Background(), time.Duration(i+1)*time.Millisecond/4)
			defer cancel()
			if err := client.Connect(again); err != context.DeadlineExceeded {
				t.Fatal(err)
			}
			connected := make(chan error, 1)
			go func() { connected <- client.Connect(context.Background()) }()
			time.Sleep(time.Duration(i) * time.Millisecond / 4)
			must(t, client.Close())
			receive(t, connected)
		})
		cancel()
	}
}
