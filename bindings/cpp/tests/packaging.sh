#!/usr/bin/env bash
# The C++ headers in another project: by find_package, as a subproject, and by pkg-config, with both libraries.
# CTest runs it after the build:
#   packaging.sh BUILD_DIR CARGO_TARGET_DIR
set -euo pipefail

tests=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$tests/../../.." && pwd)
build=$1 cargo_dir=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Variables of the environment that name other installations must not affect these tests.
unset PKG_CONFIG_PATH PKG_CONFIG_LIBDIR LD_LIBRARY_PATH CMAKE_PREFIX_PATH DESTDIR pmqtt_DIR

step() { echo "-- $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
quietly() { "$@" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "$*"; }; }
needs_shared() { [[ $(readelf -d "$1") == *"[libpmqtt."* ]]; }

# cmake_consumer NAME OPTION... : configures, builds and runs the consumer with both libraries.
cmake_consumer() {
    local dir=$tmp/$1
    shift
    quietly cmake -S "$tests/consumer" -B "$dir" "$@"
    quietly cmake --build "$dir"
    quietly "$dir/shared"
    quietly "$dir/static"
    needs_shared "$dir/shared" || fail "pmqtt::cpp links the static library"
    ! needs_shared "$dir/static" || fail "pmqtt::cpp_static links the shared library"
}

step "install: all headers are there"
quietly cmake --install "$build" --prefix "$tmp/prefix"
for header in "$tests"/../pmqtt/*.hpp; do
    cmp "$header" "$tmp/prefix/include/pmqtt/$(basename "$header")" || fail "$header was not installed"
done

step "each header can be included by itself, first"
for header in "$tmp"/prefix/include/pmqtt/*.hpp; do
    echo "#include <pmqtt/$(basename "$header")>" |
        quietly g++ -std=c++17 -fsyntax-only -Wall -Wextra -Wpedantic -Werror "-I$tmp/prefix/include" -x c++ -
done

step "cmake: find_package"
cmake_consumer found -DCMAKE_PREFIX_PATH="$tmp/prefix"

step "cmake: add_subdirectory"
cmake_consumer sub -DPMQTT_SOURCE="$source" -DPMQTT_CARGO_TARGET_DIR="$cargo_dir"

step "pkg-config"
lib=$(dirname "$(find "$tmp/prefix" -name libpmqtt.a)")
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
# shellcheck disable=SC2046 # flags are words
quietly g++ -std=c++17 "$tests/consumer/main.cpp" -o "$tmp/consumer" $(pkg-config --cflags --libs pmqtt)
quietly "$tmp/consumer"

echo "packaging: all is well"
