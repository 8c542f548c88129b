#!/usr/bin/env bash
# The migration guides match the header: what they name exists, none of its functions is missing, and
# their C code that uses pmqtt compiles.
#   guides.sh C_COMPILER
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=$1
header=include/pmqtt.h
guides=(docs/from-libmosquitto.md docs/from-paho.md)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

main() {
    names_exist
    functions_are_all_there
    local guide
    for guide in "${guides[@]}"; do
        samples_compile "$guide"
    done
    echo "guides: all is well"
}

names_exist() {
    local unknown
    unknown=$(comm -23 <(names "${guides[@]}") <(names "$header"))
    [[ ! $unknown ]] || fail "no such thing in the header: $unknown"
}

functions_are_all_there() {
    local missing
    functions >"$tmp/functions"
    (($(wc -l <"$tmp/functions") > 50)) || fail "the functions of the header cannot be found"
    missing=$(comm -23 "$tmp/functions" <(names "${guides[@]}"))
    [[ ! $missing ]] || fail "not in a guide: $missing"
}

names() { grep -ohE '\b(pmqtt|PMQTT)_[A-Za-z0-9_]+' "$@" | sort -u; }
functions() { sed -n 's/^[a-z].*[ *]\(pmqtt_[a-z0-9_]*\)(.*/\1/p' "$header" | sort -u; }

# The old programs need headers of other libraries.
samples_compile() {
    local sample count=0
    mkdir "$tmp/samples"
    awk -v dir="$tmp/samples" '
        /^```c$/          { file = dir "/" ++n ".c"; next }
        /^```$/           { file = "" }
        file              { print > file }' "$1"
    for sample in $(grep -l '<pmqtt.h>' "$tmp"/samples/*.c); do
        "$compiler" -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude "$sample" ||
            fail "a sample in $1 does not compile"
        count=$((count + 1))
    done
    ((count)) || fail "there is no sample in $1"
    rm -r "$tmp/samples"
}

fail() { echo "FAILED: $*" >&2; exit 1; }

main
