#!/usr/bin/env bash
# Link-local addresses, which need an interface to have a meaning:
#   zones.sh PROGRAM
# There are two pairs of interfaces, with a broker at the far end of each, at the same address. All of
# them are in their own namespaces; the machine itself is not changed.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

if [[ ${1:-} != --inside ]]; then
    own=(unshare --map-root-user --mount --net)
    # If a system denies user namespaces to its users, root may still use the others.
    "${own[@]}" true 2>/dev/null || own=(sudo -n unshare --mount --net)
    exec "${own[@]}" "$0" --inside "$@"
fi

program=$2
tmp=$(mktemp -d)
daemons=()
trap 'kill "${daemons[@]}" 2>/dev/null; rm -rf "$tmp"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "-- $*"; }

# connect HOST PORT BIND_ADDRESS [CA_FILE]
connect() { result=$("$program" "$@") || fail "connect $*"; }

# expect PATTERN : checks the result.
# shellcheck disable=SC2053 # the right side is a pattern
expect() { [[ $result == $1 ]] || fail "expected: $1
but it: $result"; }

# add_link NAME ADDRESS PORT : an interface with this address; at its other end fe80::1, and a broker.
add_link() {
    local name=$1 address=$2 port=$3
    unshare --net sleep 300 &
    local far=$!
    daemons+=("$far")
    local try
    for ((try = 0; try < 200; try++)); do
        [[ $(readlink "/proc/$far/ns/net") == "$(readlink /proc/$$/ns/net)" ]] || break
        sleep 0.05
    done
    ip link add "$name" type veth peer name far netns "$far"
    # It must have no other address.
    ip link set "$name" addrgenmode none
    ip addr add "$address/64" dev "$name" nodad
    ip link set "$name" up
    nsenter --net="/proc/$far/ns/net" ip link set lo up
    nsenter --net="/proc/$far/ns/net" ip addr add fe80::1/64 dev far nodad
    nsenter --net="/proc/$far/ns/net" ip link set far up
    cat >"$tmp/$name.conf" <<CONF
user root
allow_anonymous true
listener $port ::
listener 8883 ::
certfile $tmp/cert.pem
keyfile $tmp/key.pem
CONF
    nsenter --net="/proc/$far/ns/net" mosquitto -c "$tmp/$name.conf" >"$tmp/$name.log" 2>&1 &
    daemons+=($!)
    for ((try = 0; try < 200; try++)); do
        [[ $("$program" "fe80::1%$name" "$port" -) != connected* ]] || return 0
        sleep 0.05
    done
    cat "$tmp/$name.log" >&2
    fail "nobody listens at the far end of $name"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=far \
    -addext subjectAltName=IP:fe80::1 -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl"
ip link set lo up
add_link near1 fe80::a 1891
add_link near2 fe80::b 1892

step "a zone is an interface's name or number, in brackets or not"
number=$(ip -o link show near2 | cut -d: -f1)
for host in fe80::1%near1 '[fe80::1%near1]'; do
    connect "$host" 1891 -
    expect "connected from fe80::a"
done
for host in fe80::1%near2 '[fe80::1%near2]' "fe80::1%$number"; do
    connect "$host" 1892 -
    expect "connected from fe80::b"
done

step "the same address in another zone is another one"
connect fe80::1%near1 1892 -
expect "failed with 14: tcp: *Connection refused*"

step "a bind address has a zone, or takes that of the remote one"
for bind in fe80::b%near2 "fe80::b%$number" fe80::b; do
    connect fe80::1%near2 1892 "$bind"
    expect "connected from fe80::b"
done
connect fe80::1 1892 fe80::b%near2
expect "connected from fe80::b"
connect fe80::1%near2 1892 fe80::a%near1
expect "failed with 14: tcp: *fe80::1*from fe80::a%near1: *"

step "a zone that is no interface"
connect fe80::1%near3 1891 -
expect "failed with 67: dns: fe80::1%near3: there is no interface near3"
connect fe80::1%near1 1891 fe80::a%near3
expect "failed with 14: tcp: *fe80::1*from fe80::a%near3: there is no interface near3"

step "a certificate is for an address without its zone"
for host in fe80::1%near1 '[fe80::1%near2]'; do
    connect "$host" 8883 - "$tmp/cert.pem"
    expect "connected from fe80::*"
done
echo "zones: all is well"
