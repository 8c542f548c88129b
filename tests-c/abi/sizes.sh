#!/usr/bin/env bash
# Programs that were compiled with the header of another version run with this library. Each structure that begins with
# struct_size may have one more field at its tail, or lack the fields that were added after its first version.
#   sizes.sh BUILD_DIR C_COMPILER
set -euo pipefail
cd "$(dirname "$0")"

build=$1 compiler=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
. ./variants.sh

main() {
    env -u DESTDIR cmake --install "$build" --prefix "$tmp/prefix" >"$tmp/log" || fail "$(<"$tmp/log")"
    local header=$tmp/prefix/include/pmqtt.h
    lib=$(dirname "$(find "$tmp/prefix" -name libpmqtt.so)")

    variant same "$header" cat
    play same
    changed_variant later "$header" one_more_field
    play later -DADDED
    changed_variant first "$header" without_later_fields
    play first
    changed_variant below "$header" below_the_first
    play below -DBELOW
    echo "abi: all is well"
}

# play VARIANT FLAG...
play() {
    compile "$1" program "$lib" "${@:2}"
    run "$1" program "$lib"
}

main
