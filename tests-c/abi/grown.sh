#!/usr/bin/env bash
# Programs that were compiled with the header that this 0.MINOR began with run with the library of today, and with a
# later one: built from a copy of the sources in which each structure of the API has one more field at its tail.
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

# The tree stays where it is, and cargo compiles the crates once.
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

# grow SOURCES : the field in each structure of C's, a value where one is made, and in floors.rs that it came later.
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

# Another program may take a port before our broker does: then the next one is tried.
start_broker() {
    local try
    for ((try = 0; try < 5; try++)); do
        port=$((20000 + RANDOM % 10000))
        ! "$broker" start "$tmp/broker" "$port" || return 0
    done
    fail "no broker"
}

main
