#!/usr/bin/env bash
# Runs the samples of docs/mqtt5.md with a private broker, which says what it has seen:
#   test.sh PROGRAM
set -euo pipefail

program=$1
broker=$(cd "$(dirname "$0")/../../../.." && pwd)/scripts/broker
dir=$(mktemp -d)
trap '"$broker" kill "$dir/broker"; rm -rf "$dir"' EXIT

main() {
    start_broker
    timeout 50 "$program" 127.0.0.1 "$port" >"$dir/out" 2>&1 || fail "it ended with $?"
    local line
    while read -r line; do
        grep -qF -- "$line" "$dir/out" || fail "this was not printed: $line"
    done <<'LINES'
connected: the broker takes
received: {"p": 101.3}
content type: application/json
user property: site = north
user property: unit = kPa
it is worth something for 60 more seconds
message 1: taken by the broker
message 2: taken by the broker
message 0: no subscribers
disconnected: No error.
message 3: The message expired before it was sent.
refused: 0x8c, Bad authentication method.
LINES
    cat "$dir/out"
    echo "mqtt5: all is well"
}

# If another program takes the port before the broker does, the next port is tried.
start_broker() {
    local try
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        ! "$broker" start "$dir/broker" "$port" || return 0
    done
    fail "no broker"
}

fail() {
    echo "FAILED: $*" >&2
    cat "$dir/out" >&2 || true
    exit 1
}

main
