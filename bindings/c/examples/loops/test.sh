#!/usr/bin/env bash
# Runs each loop with a private broker, until it has printed the published messages:
#   test.sh DIRECTORY_OF_THE_PROGRAMS
set -euo pipefail

programs=$1
broker=$(cd "$(dirname "$0")/../../../.." && pwd)/scripts/broker
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; "$broker" kill "$dir/broker"; rm -rf "$dir"' EXIT

main() {
    : >"$dir/out"
    start_broker
    subscribes loop_forever
    [[ ! -e $programs/foreign_loop ]] || subscribes foreign_loop
    subscribes poll_by_hand
    chats event_fd
    reports_refusal
    reports_failure
    echo "loops: all is well"
}

# If another program takes a port before the broker does, the next port is tried.
start_broker() {
    local try
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        ! "$broker" start "$dir/broker" "$port" || return 0
    done
    fail "no broker"
}

# Publishes hello until the subscriber has printed it, and then bye, which ends the subscriber.
subscribes() {
    echo "-- $1, loop_start"
    "$programs/$1" 127.0.0.1 "$port" >"$dir/out" &
    local subscriber=$!
    until_there 'greetings: hello' publish hello
    until_gone "$subscriber" publish bye
    wait "$subscriber" || fail "$1 ended with $?"
    grep -q '^greetings: bye$' "$dir/out" || fail "$1 did not print the last message"
}

publish() { echo "$1" | "$programs/loop_start" 127.0.0.1 "$port"; }

# The chat prints its own lines, and ends with its input.
chats() {
    echo "-- $1"
    mkfifo "$dir/keyboard"
    "$programs/$1" 127.0.0.1 "$port" <"$dir/keyboard" >"$dir/out" &
    local chat=$!
    exec 3>"$dir/keyboard"
    until_there 'greetings: hello' type_in hello
    exec 3>&-
    until_gone "$chat" true
    wait "$chat" || fail "$1 ended with $?"
}

type_in() { echo "$1" >&3; }

# A program that does not end at a refusal would reconnect for ever.
reports_refusal() {
    echo "-- all, with a broker that refuses"
    "$broker" stop "$dir/broker"
    echo 'allow_anonymous false' >"$dir/broker/extra.conf"
    "$broker" start "$dir/broker" "$port" || fail "no broker"
    local program
    exec 3<>"$dir/keyboard" # nothing is typed
    for program in loop_forever foreign_loop poll_by_hand event_fd; do
        [[ -e $programs/$program ]] || continue
        ! timeout 30 "$programs/$program" 127.0.0.1 "$port" <&3 2>"$dir/err" ||
            fail "$program was not refused"
        grep -qi refused "$dir/err" || fail "$program says: $(<"$dir/err")"
    done
}

reports_failure() {
    echo "-- all, without a broker"
    "$broker" stop "$dir/broker"
    local program
    for program in loop_forever loop_start foreign_loop poll_by_hand; do
        [[ -e $programs/$program ]] || continue
        ! "$programs/$program" 127.0.0.1 "$port" </dev/null 2>"$dir/err" || fail "$program found a broker"
        [[ -s $dir/err ]] || fail "$program does not say why"
    done
}

# until_there LINE COMMAND... : repeats the command until the line was printed.
until_there() {
    local line=$1 try
    for ((try = 0; try < 100; try++)); do
        ! grep -qx "$line" "$dir/out" || return 0
        "${@:2}"
        sleep 0.1
    done
    fail "this was not printed: $line"
}

# until_gone PID COMMAND... : repeats the command until the process has ended.
until_gone() {
    local try
    for ((try = 0; try < 100; try++)); do
        kill -0 "$1" 2>/dev/null || return 0
        "${@:2}"
        sleep 0.1
    done
    fail "it did not end"
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

main "$@"
