#!/usr/bin/env bash
# Each adapter is small and, once installed, compiles as strict C and C++ with only pmqtt and its own
# loop. Each has an example that was built:
#   adapter_headers.sh BUILD_DIR
set -euo pipefail

build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

declare -A package=([uv]=libuv [libevent]=libevent_core [glib]=glib-2.0 [sd-event]=libsystemd)

# flags LOOP : includes the loop's own headers as system headers.
flags() {
    [[ ! ${package[$1]:-} ]] || pkg-config --cflags "${package[$1]}" | sed 's/-I/-isystem /g'
}

# Included twice, as it must have a guard.
# shellcheck disable=SC2046 # flags are words
compile() {
    local strict=(-O2 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$include") std
    printf '#include <pmqtt/adapters/%s.h>\n' "$1" "$1" >"$tmp/header.c"
    cp "$tmp/header.c" "$tmp/header.cpp"
    for std in c99 c11; do
        gcc -std=$std -D_POSIX_C_SOURCE=200809L "${strict[@]}" $(flags "$1") "$tmp/header.c"
    done
    for std in c++11 c++17; do g++ -std=$std "${strict[@]}" $(flags "$1") "$tmp/header.cpp"; done
}

env -u DESTDIR cmake --install "$build" --prefix "$tmp/prefix" >"$tmp/log" || fail "$(<"$tmp/log")"
include=$tmp/prefix/include

for loop in poll epoll uv ev libevent glib sd-event; do
    echo "-- $loop"
    (($(wc -l <"$include/pmqtt/adapters/$loop.h") < 150)) || fail "$loop.h has grown too long"
    compile "$loop"
    [[ -x $build/bindings/c/examples/adapters/adapter_$loop ]] || fail "its example was not built"
done
(($(find "$include/pmqtt/adapters" -type f | wc -l) == 7)) || fail "there is another one"
echo "adapter_headers: all is well"
