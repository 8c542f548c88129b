#!/usr/bin/env bash
# An installed pmqtt in other projects: its layout, the move to another directory, the projects in examples/, and other
# ways to use pkg-config.  CTest runs it after the build:
#   packaging.sh BUILD_DIR CARGO_TARGET_DIR [BUILD_TYPE]
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
build=$1 cargo_dir=$2 build_type=${3:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Variables of the environment that name other installations must not affect these tests.
unset PKG_CONFIG_PATH PKG_CONFIG_LIBDIR LD_LIBRARY_PATH CMAKE_PREFIX_PATH DESTDIR pmqtt_DIR

step() { echo "-- $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
quietly() { "$@" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "$*"; }; }
files() { (cd "$1" && find . ! -type d | sort); }
needs_shared() { [[ $(readelf -d "$1") == *"[libpmqtt."* ]]; }

install_and_move() {
    step "install: the same tree with DESTDIR and without"
    quietly cmake --install "$build" --config "$build_type" --prefix "$tmp/first"
    DESTDIR=$tmp/dest quietly cmake --install "$build" --config "$build_type" --prefix /opt/pmqtt
    [[ $(files "$tmp/first") == "$(files "$tmp/dest/opt/pmqtt")" ]] || fail "DESTDIR changes the tree"

    mv "$tmp/first" "$tmp/moved"
    prefix=$tmp/moved
    lib=$(dirname "$(find "$prefix" -name libpmqtt.a)")
    version=$(sed -n '/^version = /{s/[^0-9]*\([0-9.]*\).*/\1/p;q}' "$source/Cargo.toml")
    ! grep -rqI -e "$tmp/first" -e "$source" -e "$build" "$lib/cmake" "$lib/pkgconfig" ||
        fail "a package file names a directory of this machine"
    export PKG_CONFIG_PATH=$lib/pkgconfig
}

check_library() {
    step "library: SONAME, links, exported symbols"
    local real=libpmqtt.so.$version so=libpmqtt.so.${version%%.*}
    [[ $version != 0.* ]] || so=libpmqtt.so.${version%.*}
    [[ -f $lib/$real && ! -L $lib/$real ]] || fail "no $real"
    [[ $(readlink "$lib/$so") == "$real" && $(readlink "$lib/libpmqtt.so") == "$so" ]] || fail "links"
    [[ $(readelf -d "$lib/$real") == *"soname: [$so]"* ]] || fail "SONAME"

    local symbols
    symbols=$(nm -D --defined-only "$lib/$real" | awk '{ print $NF }')
    grep -qx pmqtt_lib_version <<<"$symbols" || fail "pmqtt_lib_version is not exported"
    ! grep -v '^pmqtt_' <<<"$symbols" || fail "these should not be exported"
}

check_header() {
    step "header: C99, C11, C++11, C++17"
    local strict=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$prefix/include") std
    printf '#include <pmqtt.h>\n#include <pmqtt.h>\n' >"$tmp/header.c"
    cp "$tmp/header.c" "$tmp/header.cpp"
    for std in c99 c11; do gcc -std=$std "${strict[@]}" "$tmp/header.c"; done
    for std in c++11 c++17; do g++ -std=$std "${strict[@]}" "$tmp/header.cpp"; done
}

check_other_versions() {
    local example=$source/examples/find_package other
    for other in 0.0 0.999; do
        step "cmake: find_package refuses to be version $other"
        mkdir "$tmp/$other"
        sed "s/find_package(pmqtt [0-9.]*/find_package(pmqtt $other/" "$example/CMakeLists.txt" \
            >"$tmp/$other/CMakeLists.txt"
        ! cmake -S "$tmp/$other" -B "$tmp/$other" -DCMAKE_PREFIX_PATH="$prefix" >"$tmp/log" 2>&1 ||
            fail "$version was accepted as $other"
        grep -q 'considered but not accepted' "$tmp/log" || fail "refused for another reason"
    done
}

# links_with FLAG... : a program that is compiled with these flags runs, and its library has the version of its header.
links_with() {
    program=$tmp/program
    cat >"$program.c" <<<'#include <pmqtt.h>
        int main(void) { return pmqtt_lib_version() != PMQTT_VERSION_NUMBER; }'
    quietly gcc "$program.c" -o "$program" "$@"
    LD_LIBRARY_PATH=$lib quietly "$program"
}

# The flags are separate words, so they are not quoted below.
# shellcheck disable=SC2046
check_pkg_config() {
    step "pkg-config --static, with both libraries there"
    links_with $(pkg-config --cflags --libs --static pmqtt)

    step "pkg-config --static, -Wl,-Bstatic"
    links_with $(pkg-config --cflags --libs --static pmqtt | sed "s/-lpmqtt/-Wl,-Bstatic -lpmqtt -Wl,-Bdynamic/")
    ! needs_shared "$program" || fail "the shared library was linked"

    step "pkg-config --static, with the static library alone"
    rm "$lib"/libpmqtt.so*
    links_with $(pkg-config --cflags --libs --static pmqtt)
}

check_native_libs() {
    step "native libraries: as rustc says"
    local said
    said=$(cd "$source" && cargo rustc --lib --locked --crate-type staticlib \
        --target-dir "$build/native-libs" -- --print native-static-libs 2>&1)
    said=$(sed -n 's/^note: native-static-libs: //p' <<<"$said")
    [[ -n $said ]] || fail "rustc does not say"
    [[ $(sed -n 's/^Libs.private: //p' "$lib/pkgconfig/pmqtt.pc") == "$said" ]] ||
        fail "PMQTT_NATIVE_LIBS in cmake/cargo.cmake should be: $said"
}

install_and_move
check_library
check_header
"$source/examples/test.sh" "$prefix" "$cargo_dir"
check_other_versions
check_pkg_config
check_native_libs
echo "packaging: all is well"
