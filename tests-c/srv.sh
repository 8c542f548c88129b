#!/usr/bin/env bash
# pmqtt_connect_srv with a real name server and real brokers:
#   srv.sh PROGRAM
# They run in their own namespaces, where port 53 is free and the system's resolver can be configured;
# the machine itself is not changed.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

if [[ ${1:-} != --inside ]]; then
    own=(unshare --map-root-user --mount --net --uts)
    # If a system denies user namespaces to its users, root may still use the others.
    "${own[@]}" true 2>/dev/null || own=(sudo -n unshare --mount --net --uts)
    exec "${own[@]}" "$0" --inside "$@"
fi

program=$2
tmp=$(mktemp -d)
daemons=()
trap 'kill "${daemons[@]}" 2>/dev/null; rm -rf "$tmp"' EXIT

# Nothing has this address: packets to it are lost.
silent=10.9.9.9
# No name server listens there.
closed=127.0.0.3

fail() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "-- $*"; }

# connect DOMAIN TIMEOUT_MS COUNT [CA_FILE]; DOMAIN give-up; DOMAIN async
connect() { result=$("$program" "$@") || fail "connect $*"; }

# expect PATTERN : checks the result.
# shellcheck disable=SC2053 # the right side is a pattern
expect() { [[ $result == $1 ]] || fail "expected: $1
but it: $result"; }

count() { grep -cx "connected to $1" <<<"$result" || true; }

# ask SERVER [LINE] : sets the resolver's server, and another line of its configuration.
ask() { printf '%s\n' "nameserver $1" "${@:2}" >"$tmp/resolv.conf"; }

set_up_machine() {
    ip link set lo up
    ip route add "$silent/32" dev lo

    # Sockets in /run would lead to the name services of the machine.
    mount -t tmpfs tmpfs /run
    ask 127.0.0.1
    echo 'hosts: files dns' >"$tmp/nsswitch.conf"
    echo '127.0.0.1 localhost' >"$tmp/hosts"
    local file real
    for file in resolv.conf nsswitch.conf hosts; do
        real=$(realpath -m "/etc/$file")
        [[ -e $real ]] || install -D /dev/null "$real"
        mount --bind "$tmp/$file" "$real"
    done
}

start_brokers() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=one.test \
        -addext subjectAltName=DNS:one.test -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl"
    cat >"$tmp/mosquitto.conf" <<CONF
user root
allow_anonymous true
listener 1884 127.0.0.1
listener 1885 127.0.0.1
listener 8884 127.0.0.1
certfile $tmp/cert.pem
keyfile $tmp/key.pem
CONF
    mosquitto -c "$tmp/mosquitto.conf" >"$tmp/mosquitto.log" 2>&1 &
    daemons+=($!)
    local port
    for port in 1884 1885 8884; do wait_for "$port" mosquitto; done
}

# wait_for PORT NAME : for at most 10 seconds.
wait_for() {
    local try
    for ((try = 0; try < 200; try++)); do
        ! (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0
        sleep 0.05
    done
    cat "$tmp/$2.log" >&2
    fail "$2 does not listen on port $1"
}

# The name server for all names in `test`; the worse choice is always first in its list.
start_name_server() {
    {
        cat <<CONF
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
local=/test/
host-record=one.test,127.0.0.1
host-record=other.test,127.0.0.1
host-record=silent.test,$silent
host-record=node.here.test,127.0.0.1

srv-host=_mqtt._tcp.priority.test,one.test,1885,20,65535
srv-host=_mqtt._tcp.priority.test,one.test,1884,10,0

srv-host=_mqtt._tcp.even.test,one.test,1884,10,50
srv-host=_mqtt._tcp.even.test,one.test,1885,10,50

srv-host=_mqtt._tcp.heavy.test,one.test,1884,10,0
srv-host=_mqtt._tcp.heavy.test,one.test,1885,10,65535

srv-host=_mqtt._tcp.failing.test,one.test,1885,40,0
srv-host=_mqtt._tcp.failing.test,silent.test,1884,30,0
srv-host=_mqtt._tcp.failing.test,nowhere.test,1884,20,0
srv-host=_mqtt._tcp.failing.test,one.test,1999,10,0

srv-host=_mqtt._tcp.hopeless.test,one.test,1998,20,0
srv-host=_mqtt._tcp.hopeless.test,nowhere.test,1884,10,0

srv-host=_mqtt._tcp.mute.test,silent.test,1884,10,0
srv-host=_mqtt._tcp.mute.test,silent.test,1885,20,0

srv-host=_mqtt._tcp.nothing.test
txt-record=_mqtt._tcp.text.test,words
srv-host=_mqtt._tcp.here.test,one.test,1884

srv-host=_secure-mqtt._tcp.secure.test,one.test,8884,30,0
srv-host=_secure-mqtt._tcp.secure.test,other.test,8884,20,0
srv-host=_secure-mqtt._tcp.secure.test,one.test,1884,10,0
srv-host=_mqtt._tcp.secure.test,one.test,1885,10,0

srv-host=_secure-mqtt._tcp.stranger.test,other.test,8884,10,0
CONF
        # More than a datagram holds, and more than is tried; the first choice is last in the answer.
        local port
        echo "srv-host=_mqtt._tcp.large.test,one.test,1885,10,0"
        for ((port = 2000; port < 2060; port++)); do
            echo "srv-host=_mqtt._tcp.large.test,one.test,$port,20,0"
            echo "srv-host=_mqtt._tcp.crowd.test,one.test,$port,20,0"
        done
    } >"$tmp/dnsmasq.conf"
    dnsmasq --no-daemon --conf-file="$tmp/dnsmasq.conf" >"$tmp/dnsmasq.log" 2>&1 &
    daemons+=($!)
    wait_for 53 dnsmasq
}

check_order() {
    step "the lowest priority is taken, each time"
    connect priority.test 10000 8
    (($(count 1884) == 8)) || fail "$result"

    step "equal weights share, and each reconnect draws anew"
    connect even.test 10000 64
    (($(count 1884) > 0 && $(count 1885) > 0 && $(count 1884) + $(count 1885) == 64)) || fail "$result"

    step "weight 0 is drawn hardly ever"
    connect heavy.test 10000 32
    (($(count 1885) >= 30)) || fail "$result"
}

check_fail_over() {
    step "the next one, when one refuses, has no address, is silent"
    connect failing.test 6000 1
    expect "connected to 1885"

    step "an answer that is longer than a datagram"
    connect large.test 10000 1
    expect "connected to 1885"

    step "no more than 16 are tried"
    connect crowd.test 10000 1
    expect "failed with 14: *"
    (($(grep -o "Connection refused" <<<"$result" | wc -l) == 16)) || fail "$result"

    step "each one that failed is named"
    connect hopeless.test 10000 1
    expect "failed with 14: tcp: none of the brokers of hopeless.test can be connected to: \
nowhere.test port 1884: dns: nowhere.test: *; \
one.test port 1998: tcp: 127.0.0.1:1998: Connection refused*"

    step "brokers that never answer"
    connect mute.test 1000 2
    expect "failed with 66: *silent.test port 1884: *no answer from $silent:1884 within*
failed with 66: *silent.test port 1885: *no answer from $silent:1885 within*"
}

check_refusals() {
    step "a domain without the service"
    connect missing.test 10000 1
    expect "failed with 67: dns: _mqtt._tcp.missing.test: there is no such name"
    connect text.test 10000 1
    expect "failed with 67: dns: _mqtt._tcp.text.test: the name has no SRV record"
    connect nothing.test 10000 1
    expect "failed with 67: dns: _mqtt._tcp.nothing.test: the domain says that it has no such service"

    step "what is no domain name"
    connect "a..b" 10000 1
    expect "failed with 3: connect: a..b is no domain name"
}

check_tls() {
    step "TLS has records of its own, and a handshake that fails is a failure"
    connect secure.test 10000 1 "$tmp/cert.pem"
    expect "connected to 8884"
    connect secure.test 10000 1
    expect "connected to 1885"

    step "a certificate has to be for the host that the record names"
    connect stranger.test 10000 1 "$tmp/cert.pem"
    expect "failed with 8: tls: *other.test port 8884: tls: other.test: *one.test*mismatch*"
}

check_local_domain() {
    step "the local domain, of a machine with a full name, a short one, and a lonely one"
    hostname node.here.test
    connect - 10000 1
    expect "connected to 1884"

    hostname node
    ask 127.0.0.1 "search here.test"
    connect - 10000 1
    expect "connected to 1884"

    hostname lonely
    ask 127.0.0.1
    connect - 10000 1
    expect "failed with 3: dns: _mqtt._tcp of the local domain: *lonely, is in no domain*"

    hostname node.missing.test
    connect - 10000 1
    expect "failed with 67: dns: _mqtt._tcp of the local domain: missing.test: there is no such name"
}

check_name_servers() {
    step "a name server that is not there"
    ask "$closed"
    connect priority.test 10000 1
    expect "failed with 67: dns: _mqtt._tcp.priority.test: no name server has an answer: *"

    step "a name server that is silent holds nobody up"
    ask "$silent"
    connect priority.test 1000 2
    expect "failed with 66: dns: no answer from _mqtt._tcp.priority.test within 1000 ms
failed with 66: dns: no answer from _mqtt._tcp.priority.test within 1000 ms"
    connect priority.test give-up
    expect "failed with 4: *given up*"
}

check_async() {
    step "the call that does not wait"
    connect priority.test async
    expect "connected to 1884"
    connect nothing.test async
    expect "failed with 67: dns: *nothing.test*"
}

set_up_machine
start_brokers
start_name_server
check_order
check_async
check_fail_over
check_refusals
check_tls
check_local_domain
check_name_servers
echo "srv: all is well"
