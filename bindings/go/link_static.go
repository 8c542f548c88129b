//go:build pmqtt_static

package pmqtt

// The archive comes first, and so nothing is left for the shared library that pkg-config names: the
// linker takes that only where it is needed.

// #cgo pkg-config: --static pmqtt
// #cgo LDFLAGS: -l:libpmqtt.a -Wl,--as-needed
import "C"
