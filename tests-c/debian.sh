#!/usr/bin/env bash
# Builds the Debian packages from a copy of the tree, and checks them with lintian.  The projects in examples/ then use
# them as if they were installed.  CTest runs it if there is a dpkg.
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

step() { echo "-- $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

build() {
    step "dpkg-buildpackage"
    "$source/scripts/deb" "$tmp/debs" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "scripts/deb"; }
}

check_version() {
    step "version: that of Cargo.toml"
    local version
    version=$(sed -n '/^version = /{s/[^0-9]*\([0-9.]*\).*/\1/p;q}' "$source/Cargo.toml")
    [[ -e $(echo "$tmp"/debs/libpmqtt0.2_"$version"-*.deb) ]] || fail "debian/changelog has not $version"
}

check_policy() {
    step "lintian"
    lintian --profile debian --allow-root --fail-on error "$tmp"/debs/*.changes
}

check_use() {
    step "unpacked, and used"
    local deb
    for deb in "$tmp"/debs/*.deb; do dpkg-deb -x "$deb" "$tmp/root"; done
    "$source/examples/test.sh" "$tmp/root/usr"
}

build
check_version
check_policy
check_use
echo "debian: all is well"
