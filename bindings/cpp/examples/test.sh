#!/usr/bin/env bash
# Runs each example with a private broker, until it has printed the expected lines:
#   test.sh PUBSUB LOOP_START ASIO MQTT5
set -euo pipefail

pubsub=$1 loop_start=$2 asio=$3 mqtt5=$4
broker=$(cd "$(dirname "$0")/../../.." && pwd)/scripts/broker
dir=$(mktemp -d)
trap '"$broker" kill "$dir/broker"; rm -rf "$dir"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

# If another program takes a port before the broker does, the next port is tried.
start_broker() {
    local try
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        ! "$broker" start "$dir/broker" "$port" || return 0
    done
    fail "no broker"
}

start_broker

echo "-- pubsub"
[[ $("$pubsub" 127.0.0.1 "$port" hello bye) == $'greetings: hello\ngreetings: bye' ]] || fail "pubsub"

echo "-- loop_start"
printf 'one\ntwo\n' | "$loop_start" 127.0.0.1 "$port" || fail "loop_start"

echo "-- asio"
[[ $("$asio" 127.0.0.1 "$port") == $'to 1\nto 2\nto 3' ]] || fail "asio"

echo "-- mqtt5"
[[ $("$mqtt5" 127.0.0.1 "$port") == $'readings/1: 21.5
  content type:  text/plain
  user property: site north
  user property: unit C' ]] || fail "mqtt5"

echo "-- without a broker"
"$broker" stop "$dir/broker"
for program in "$pubsub" "$loop_start" "$mqtt5"; do
    ! "$program" 127.0.0.1 "$port" </dev/null 2>"$dir/err" || fail "$program found a broker"
    [[ -s $dir/err ]] || fail "$program does not say why"
done
echo "examples: all is well"
