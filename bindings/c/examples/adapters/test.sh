#!/usr/bin/env bash
# Runs the example of an adapter with a private broker, which has a listener with TLS too:
#   test.sh COMMAND...
set -euo pipefail

broker=$(cd "$(dirname "$0")/../../../.." && pwd)/scripts/broker
dir=$(mktemp -d)
trap '"$broker" kill "$dir/broker"; rm -rf "$dir"' EXIT

main() {
    make_certificate
    start_broker
    write_control
    timeout 100 "$@" 127.0.0.1 "$port" $((port + 1)) "$dir/cert.pem" "$dir/control" || fail "it ended with $?"
    (($(grep -c 'Received DISCONNECT' "$dir/broker/log") == 2)) || fail "the broker did not see both disconnect"
}

make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=broker \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$dir/log" ||
        fail "$(<"$dir/log")"
}

# If another program takes a port before the broker does, the next two ports are tried.
start_broker() {
    local try
    mkdir "$dir/broker"
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 5000 * 2))
        cat >"$dir/broker/extra.conf" <<CONF
log_type all
listener $((port + 1)) 127.0.0.1
certfile $dir/cert.pem
keyfile $dir/key.pem
CONF
        ! "$broker" start "$dir/broker" "$port" || return 0
    done
    fail "no broker"
}

write_control() {
    cat >"$dir/control" <<CONTROL
#!/bin/sh
exec "$broker" "\$1" "$dir/broker" $port
CONTROL
    chmod +x "$dir/control"
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

main "$@"
