#!/usr/bin/env bash
# Each sample of README.md is a whole file, which a comment before it names. All are compiled with an installed
# pmqtt, by the commands that stand there, and run with a private broker:
#   readme.sh BUILD_DIR
set -euo pipefail

build=$1
source=$(cd "$(dirname "$0")/.." && pwd)
broker=$source/scripts/broker
tmp=$(mktemp -d) subscriber=
trap 'kill $subscriber 2>/dev/null || true; "$broker" kill "$tmp/broker"; rm -rf "$tmp"' EXIT

main() {
    install_library
    make_certificate
    start_broker
    extract
    cd "$tmp/samples"
    compile_c
    compile_cmake
    compile_cpp
    compile_go
    check_messages
    check_refusal
    check_absence
    echo "readme: all is well"
}

install_library() {
    quietly env -u DESTDIR cmake --install "$build" --prefix "$tmp/prefix"
    local lib
    lib=$(dirname "$(find "$tmp/prefix" -name libpmqtt.a)")
    export PKG_CONFIG_PATH=$lib/pkgconfig CMAKE_PREFIX_PATH=$tmp/prefix LD_LIBRARY_PATH=$lib
    # Go's cache asks pkg-config once for a package; it is told that this is another installation.
    export GOTOOLCHAIN=local GOFLAGS='' CGO_LDFLAGS="-O2 -g -L$lib"
}

make_certificate() {
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$tmp/ca.key" -out "$tmp/ca.pem"
}

# Another program may take a port before our broker does: then the next one is tried.
start_broker() {
    local try
    mkdir "$tmp/broker"
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        printf '%s\n' "listener $((port + 1)) 127.0.0.1" "certfile $tmp/ca.pem" "keyfile $tmp/ca.key" \
            >"$tmp/broker/extra.conf"
        ! "$broker" start "$tmp/broker" "$port" || return 0
    done
    fail "no broker"
}

# The ports of the samples become those of the private broker.
extract() {
    mkdir "$tmp/samples"
    awk -v dir="$tmp/samples" '
        /^<!-- [^ ]* -->$/    { name = $2; next }
        /^```[a-z]/           { if (!name) exit 1; file = dir "/" name; next }
        /^```$/               { file = name = "" }
        file                  { print > file }' "$source/README.md" || fail "a sample has no name"
    sed -i "s/\<1883\>/$port/; s/\<8883\>/$((port + 1))/" "$tmp"/samples/*
    cp "$tmp/ca.pem" "$tmp/samples"
}

# command_of COMPILER : the line of README.md that calls it.
command_of() { grep "^    $1 " "$source/README.md" || fail "no line calls $1"; }

compile_c() {
    local command file
    command=$(command_of cc)
    for file in *.c; do
        step "$file"
        eval "${command//subscribe/${file%.c}}"
    done
}

compile_cpp() {
    step "greet.cpp"
    eval "$(command_of c++)"
}

cc() { command cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$@"; }
c++() { command c++ -Wall -Wextra -Wpedantic -Werror "$@"; }

compile_cmake() {
    step "CMakeLists.txt"
    quietly cmake -S . -B build
    quietly cmake --build build
}

compile_go() {
    command -v go >/dev/null || return 0
    step "main.go"
    mkdir go
    mv main.go go
    (
        cd go
        quietly go mod init greet
        quietly go mod edit -require=pmqtt@v0.0.0 -replace=pmqtt="$source/bindings/go"
        quietly go vet .
        quietly go build -o ../greet_go .
    )
}

check_messages() {
    local program
    for program in ./subscribe build/subscribe; do
        step "$program, with publish, mqtt5 and tls"
        stdbuf -oL "$program" >out &
        subscriber=$!
        until_heard 'greetings/c: hello' ./publish
        until_heard 'greetings/mqtt5: hello' ./mqtt5
        until_heard 'greetings/tls: hello' ./tls
        kill "$subscriber"
    done
    step "greet"
    says 'greetings/cpp: hello' ./greet
    [[ ! -e greet_go ]] || says 'greetings/go: hello' ./greet_go
}

check_refusal() {
    step "a broker that refuses"
    "$broker" stop "$tmp/broker"
    echo 'allow_anonymous false' >>"$tmp/broker/extra.conf"
    "$broker" start "$tmp/broker" "$port" || fail "no broker"
    fail_all 'refused\|not authorised'
}

check_absence() {
    step "no broker"
    "$broker" stop "$tmp/broker"
    fail_all 'Connection refused'
}

# fail_all WORDS : each program fails, and says so in these words.
fail_all() {
    local program
    for program in ./subscribe ./publish ./mqtt5 ./tls ./greet ./greet_go; do
        [[ -e $program ]] || continue
        ! timeout 30 "$program" >out 2>&1 || fail "$program succeeded"
        grep -qi "$1" out || fail "$program says: $(<out)"
    done
}

# until_heard LINE PROGRAM : runs it again and again, until the subscriber has printed the line.
until_heard() {
    local try
    for ((try = 0; try < 100; try++)); do
        quietly timeout 30 "$2"
        ! grep -qx "$1" out || return 0
        sleep 0.1
    done
    fail "this was not printed: $1"
}

# says LINE PROGRAM
says() {
    quietly timeout 30 "$2"
    [[ $(<"$tmp/log") == "$1" ]] || fail "$2 printed: $(<"$tmp/log")"
}

step() { echo "-- $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
quietly() { "$@" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "$*"; }; }

main
