#!/usr/bin/env bash
# The Go package with an installed pmqtt:
#   test.sh PREFIX
# by the Go that is in the PATH and, where there is one, by the oldest that it has to build with.
set -euo pipefail

prefix=$(cd "$1" && pwd)
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib GOTOOLCHAIN=local GOFLAGS=
# Go's cache asks pkg-config once for a package; it is told that this is another installation.
export CGO_LDFLAGS="-O2 -g -L$prefix/lib"

step() { echo "-- $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

check_format() {
    step "gofmt, go vet"
    local unformatted
    unformatted=$(gofmt -l .)
    [[ -z $unformatted ]] || fail "not as gofmt would have it: $unformatted"
    go vet ./...
}

check_static() {
    step "the static library, by its build tag"
    go test -tags pmqtt_static -c -o "$tmp/static"
    [[ $(readelf -d "$tmp/static") != *"[libpmqtt."* ]] || fail "the shared library was linked"
    env -u LD_LIBRARY_PATH "$tmp/static" -test.run 'Example|TLS'
}

# The program of README.md, in a module of its own.
check_consumer() {
    step "a module that uses it"
    mkdir "$tmp/consumer"
    sed -n '/^```go$/,/^```$/{/^```/!p}' README.md >"$tmp/consumer/main.go"
    local package=$PWD
    (
        cd "$tmp/consumer"
        printf 'module consumer\n\ngo 1.19\n' >go.mod
        go mod edit -require=pmqtt@v0.0.0 -replace="pmqtt=$package"
        go vet .
        go build .
    )
}

check_old() {
    local old=/usr/lib/go-1.19/bin/go
    if [[ -x $old ]]; then
        step "Go 1.19"
        "$old" vet ./...
        "$old" test -count=1 ./...
    fi
}

check_format
step "with the race detector, and with checks of what goes to C"
GODEBUG=cgocheck=1 go test -race -count=1 ./...
check_static
check_consumer
check_old
echo "go: all is well"
