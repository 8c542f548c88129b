#!/usr/bin/env bash
# Programs that were compiled with the first header of this 0.MINOR run with the present library, and with a later one.
# The later library is built from a copy of the sources, with one more field at the tail of each structure of the API.
#   grown.sh BUILD_DIR LIBRARY_DIR C_COMPILER
set -euo pipefail
cd "$(dirname "$0")"

grown=$1/grown today=$2 compiler=$3
source=$PWD/../..
broker=$source/scripts/broker
tmp=$(mktemp -d)
trap '"$broker" kill "$tmp/broker"; rm -rf "$tmp"' EXIT
. ./variants.sh

main() {
    build_grown
    start_broker

    local header
    header=$(echo pmqtt-*.h)
    variant begun "$header" cat
    compile begun program "$today"
    compile begun events "$today"
    changed_variant below "$header" below_the_first
    compile below program "$today" -DBELOW

    local lib
    for lib in "$today" "$grown/lib"; do
        run begun program "$lib"
        run begun events "$lib" "$port"
        run below program "$lib"
    done
    echo "abi_grown: all is well"
}

# The copy keeps its path, so cargo compiles the crates only once.
build_grown() {
    local tree=$grown/tree
    rm -rf "$tree" "$grown/lib"
    mkdir -p "$tree" "$grown/lib"
    cp -a "$source"/{Cargo.toml,Cargo.lock,build.rs,src} "$tree"
    grow "$tree/src"
    [[ $(grep -rhx '    pub added: usize,' "$tree/src" | wc -l) == $(grep -c '^typedef struct .*{$' "$source/include/pmqtt.h") ]] ||
        fail "a structure has not grown"
    env -u MAKEFLAGS -u MFLAGS -u CARGO_BUILD_TARGET cargo rustc --quiet --locked --lib --crate-type cdylib \
        --manifest-path "$tree/Cargo.toml" --target-dir "$grown/cargo" --config profile.dev.debug=false
    cp "$grown/cargo/debug/libpmqtt.so" "$grown/lib/$(soname "$today/libpmqtt.so")"
}

# grow SOURCES : adds the field to each structure of the C API, and a value where a structure is created. Notes in
# floors.rs that the field was added later.
grow() {
    local files
    files=$(grep -rlx '#\[repr(C)\]' "$1")
    # shellcheck disable=SC2086 # one word for each file
    perl -0pi -e 's/^#\[repr\(C\)\]\n(?:#[^\n]*\n)*pub struct .*?\n\K(?=\})/    pub added: usize,\n/gms' $files
    # shellcheck disable=SC2016,SC2046,SC2086
    names=$(sed -n '/^#\[repr(C)\]$/,/{$/s/^pub struct \(.*\) {$/\1/p' $files | paste -sd '|') perl -pi -e '
        s/\blet (?:$ENV{names}) \{\K/ added: _,/ or s/(?:^\s+|[=&|] ?)(?:$ENV{names}) \{\K/ added: 0x5a5a,/' \
        $(find "$1/client" "$1/ffi" -name '*.rs')
    perl -pi -e 's/: size_of::<(\w+)>\(\);/: offset_of!($1, added);/' "$1/ffi/floors.rs"
}

soname() { readelf -d "$1" | sed -n 's/.*soname: \[\(.*\)\]/\1/p'; }

# If another program takes a port before the broker does, the next port is tried.
start_broker() {
    local try
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        ! "$broker" start "$tmp/broker" "$port" || return 0
    done
    fail "no broker"
}

main
