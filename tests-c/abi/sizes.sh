#!/usr/bin/env bash
# Programs that were compiled with the header of another version run with this library: each structure that
# begins with struct_size may have one more field at its tail, or lack those that came after its first version.
#   sizes.sh BUILD_DIR C_COMPILER
set -euo pipefail
cd "$(dirname "$0")"

build=$1 compiler=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What came after the first version of its structure.
added_since=(acks_held messages_dropped messages_cancelled)

main() {
    env -u DESTDIR cmake --install "$build" --prefix "$tmp/prefix" >"$tmp/log" || fail "$(<"$tmp/log")"
    header=$tmp/prefix/include/pmqtt.h
    lib=$(dirname "$(find "$tmp/prefix" -name libpmqtt.so)")

    variant same cat
    variant later one_more_field
    differs later
    play same
    play later -DADDED

    variant first without_later_fields
    differs first
    play first
    variant below below_the_first
    differs below
    play below -DBELOW
    echo "abi: all is well"
}

# variant NAME FILTER... : the header, changed by a filter.
variant() {
    mkdir "$tmp/$1"
    "${@:2}" <"$header" >"$tmp/$1/pmqtt.h"
}

differs() { ! cmp -s "$header" "$tmp/$1/pmqtt.h" || fail "$1: the header is as it was"; }

one_more_field() { structures 'lines[++count] = "  size_t added;"'; }

without_later_fields() { sed -E "/^  [a-z].* ($(IFS='|' && echo "${added_since[*]}"));$/d"; }

below_the_first() { without_later_fields | structures 'lines[last] = ""'; }

# structures ACTION : what awk does at the end of each structure that begins with its size, before its lines
# are printed; `last` is that of its last field.
structures() {
    awk "
        /^typedef struct .*{$/ { inside = 1; count = sized = last = 0 }
        inside && /^} /    { if (sized) { $1 }; inside = 0
                             for (i = 1; i <= count; i++) if (lines[i] != \"\") print lines[i] }
        inside             { lines[++count] = \$0
                             if (\$0 ~ /^  [a-z].*;/) { last = count; if (\$0 ~ / struct_size;/) sized = 1 }
                             next }
                           { print }"
}

play() {
    "$compiler" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror "${@:2}" \
        "-I$tmp/$1" program.c -o "$tmp/$1/program" "-L$lib" "-Wl,-rpath,$lib" -lpmqtt
    "$tmp/$1/program" || fail "a program with the header $1"
}

fail() { echo "FAILED: $*" >&2; exit 1; }

main
