#!/usr/bin/env bash
# Compares the C ABI with the baseline, which abidw wrote when this 0.MINOR began. New functions and constants, and
# fields at the tail of a structure, are accepted. Any other change fails unless accepted.abignore has it.
#   diff.sh LIBRARY C_COMPILER
#   diff.sh --update C_COMPILER   write the baseline and the copy of the header, only when a new 0.MINOR begins
#
# abidw reads a library of empty functions that is made from the header. The debug information of Rust is not
# suitable: it lacks the constants, and contains private types behind each pointer. tests/header.rs checks that the
# header matches the code.
set -euo pipefail
cd "$(dirname "$0")"

library=$1 compiler=$2
header=../../include/pmqtt.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

main() {
    local major minor
    major=$(version MAJOR) minor=$(version MINOR)
    local series=$major
    ((major)) || series=0.$minor
    baseline=libpmqtt-$series.abi first=pmqtt-$series.0.h

    if [[ $library == --update ]]; then
        update
        return
    fi
    [[ -e $baseline ]] || fail "no $baseline: where $series begins, run tests-c/abi/diff.sh --update $compiler"
    check_exports
    differs_not "$header" --suppressions accepted.abignore || { cat "$tmp/report"; fail "the ABI is not that of $baseline"; }
    play_changes
    echo "abi_diff: all is well"
}

version() { sed -n "s/^#define PMQTT_VERSION_$1 //p" "$header"; }

update() {
    rm -f libpmqtt-*.abi pmqtt-*.h
    cp "$header" "$first"
    surface "$header"
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-parameter-names --type-id-style hash "$tmp/surface.so" \
        --out-file "$baseline"
}

# The library exports what the header declares.
check_exports() {
    surface "$header"
    diff <(exports "$tmp/surface.so" | sed '/^pmqtt_constants$/d') <(exports "$library") ||
        fail "> the library exports, < the header declares"
}

exports() { nm -D --defined-only "$1" | awk '{ print $NF }' | sort; }

# A grown tail is cut off first. abidiff could accept it by itself (has_data_member_inserted_at), but then it accepts
# every other change of that structure, too. Changes that abidiff calls harmless count: a field that replaces another
# one of the same type is only a new name to it.
# differs_not HEADER OPTION... : succeeds if the header has the ABI of the baseline.
differs_not() {
    known_only "$1" >"$tmp/known.h"
    surface "$tmp/known.h"
    abidiff --harmless --no-added-syms "${@:2}" "$baseline" "$tmp/surface.so" >"$tmp/report"
}

# Prints the header without the fields and constants that the baseline does not have.
known_only() {
    awk '
        FNR == NR           { if (split($0, word, "\047") < 2) next
                              if (/<class-decl /) name = word[2]
                              if (/<data-member /) fields[name]++
                              if (/<enumerator /) constants[word[2]] = 1
                              next }
        /^#define PMQTT_/   { if ("value_of_" $2 in constants) print; next }
        /^typedef struct .*{$/   { name = $3; count = 0 }
        /^  [a-z].*;/ && name in fields && ++count > fields[name] { next }
        /^} /               { name = "" }
                            { print }' "$baseline" "$1"
}

# surface HEADER : builds a library with the functions and constants of the header, which abidw can read.
surface() {
    cp "$1" "$tmp/pmqtt.h"
    {
        echo '#include "pmqtt.h"'
        "$compiler" -E -P "$1" | awk -v RS=';' '/pmqtt_[a-z0-9_]+\(/ && !/typedef/ { print $0 " { __builtin_trap(); }" }'
        echo 'enum pmqtt_constants {'
        sed -n '/_VERSION_/d; s/^#define \(PMQTT_[A-Z0-9_]*\) [^.].*/    value_of_\1 = \1,/p' "$1"
        echo '} pmqtt_constants;'
    } >"$tmp/surface.c"
    (cd "$tmp" && "$compiler" -std=c99 -gdwarf-4 -shared -fPIC surface.c -o surface.so)
}

# Changes of the first header that must be noticed, and others that must be accepted.
play_changes() {
    breaks "a field is gone" '/^  bool dup;/d'
    breaks "a field has another type" 's/^  int qos;/  long qos;/'
    breaks "a field has another sign" 's/^  int qos;/  unsigned qos;/'
    breaks "a field stands before others" 's/^  bool retain;/  bool added;\n&/'
    breaks "a field took the place of another" 's/^  bool dup;/  bool added;/'
    breaks "a function is gone" '/^int pmqtt_lib_version(void);/d'
    breaks "a function has one more parameter" 's/^\(int pmqtt_loop_read(.*\));/\1, int added);/'
    breaks "a function returns another type" 's/^int \(pmqtt_loop_read(\)/long \1/'
    breaks "a callback has one more parameter" 's/^typedef void (\*pmqtt_on_publish)(/&int added, /'
    breaks "a constant has another value" 's/^#define PMQTT_ERR_BUSY 64/#define PMQTT_ERR_BUSY 63/'
    breaks "a constant is gone" '/^#define PMQTT_ERR_BUSY /d'
    breaks "a tail has grown, and a field another type" 's/^  int qos;/  long qos;/; s/^} pmqtt_/  size_t added;\n&/'

    allows "each tail has grown" 's/^} pmqtt_/  size_t added;\n&/'
    allows "a function came" 's/^int pmqtt_lib_version(void);/&\nint pmqtt_added(int added);/'
    allows "a constant came" 's/^#define PMQTT_ERR_BUSY .*/&\n#define PMQTT_ERR_ADDED 99/'
}

breaks() {
    change "$@"
    ! differs_not "$tmp/changed.h" || fail "not noticed: $1"
}

allows() {
    change "$@"
    differs_not "$tmp/changed.h" || { cat "$tmp/report"; fail "not accepted: $1"; }
}

change() {
    sed "$2" "$first" >"$tmp/changed.h"
    ! cmp -s "$first" "$tmp/changed.h" || fail "the header is as it was: $1"
}

fail() { echo "FAILED: $*" >&2; exit 1; }

main
