#!/usr/bin/env bash
# Copies each project to a fresh folder, builds it there with an installed pmqtt, and runs it with a
# private broker:
#   test.sh PREFIX [CARGO_TARGET_DIR]
# The second argument adds the project that builds pmqtt. Most of it is already compiled in that
# directory.
set -euo pipefail

prefix=$(cd "$1" && pwd) cargo_dir=${2:-}
source=$(cd "$(dirname "$0")/.." && pwd)
broker=$source/scripts/broker
tmp=$(mktemp -d) project=broker
trap '"$broker" kill "$tmp/broker"; rm -rf "$tmp"' EXIT

# Variables of the environment that name other installations must not affect these projects.
unset PKG_CONFIG_LIBDIR CMAKE_PREFIX_PATH DESTDIR pmqtt_DIR MAKEFLAGS MFLAGS
lib=$(dirname "$(find "$prefix" -name libpmqtt.a)")
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
# Go caches the answer of pkg-config for a package. The path in the flags makes this installation a
# different one.
export GOTOOLCHAIN=local GOFLAGS= CGO_LDFLAGS="-O2 -g -L$lib"
export CFLAGS='-O2 -Wall -Wextra -Wpedantic -Werror'
export CXXFLAGS=$CFLAGS

main() {
    start_broker
    check_find_package
    [[ -z $cargo_dir ]] || check_fetch_content
    check_pkg_config
    check_meson
    check_cpp
    check_go
    echo "examples: all is well"
}

# If another program takes a port before the broker does, the next port is tried.
start_broker() {
    local try
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        ! "$broker" start "$tmp/broker" "$port" || return 0
    done
    fail "no broker"
}

check_find_package() {
    copy find_package
    cmake_finds_it
}

check_cpp() {
    copy cpp
    cmake_finds_it
}

cmake_finds_it() {
    quietly cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix"
    quietly cmake --build build
    both_hear build
}

check_fetch_content() {
    copy fetch_content
    ln -s "$source" pmqtt
    quietly cmake -S . -B build -DPMQTT_CARGO_TARGET_DIR="$cargo_dir"
    quietly cmake --build build
    both_hear build
}

check_pkg_config() {
    copy pkg_config
    quietly make
    both_hear .
}

check_meson() {
    copy meson
    quietly meson setup build
    quietly meson compile -C build
    both_hear build
}

check_go() {
    copy go
    quietly go mod edit -replace=pmqtt="$source/bindings/go"
    quietly go vet .
    quietly go build .
    hears ./greetings "127.0.0.1:$port"
}

copy() {
    project=$1
    step "$project"
    cp -r "$source/examples/$project" "$tmp"
    cd "$tmp/$project"
}

both_hear() {
    needs_shared "$1/shared" || fail "the static library was linked"
    ! needs_shared "$1/static" || fail "the shared library was linked"
    hears "$1/shared" 127.0.0.1 "$port"
    hears "$1/static" 127.0.0.1 "$port"
}

# hears PROGRAM ARGUMENT... : the program prints its own message, and succeeds.
hears() {
    quietly timeout 30 "$@"
    [[ $(<"$tmp/log") == "greetings/$project: hello" ]] || fail "$* printed: $(<"$tmp/log")"
}

step() { echo "-- $*"; }
fail() { echo "FAILED: $project: $*" >&2; exit 1; }
quietly() { "$@" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "$*"; }; }
needs_shared() { [[ $(readelf -d "$1") == *"[libpmqtt."* ]]; }

main
