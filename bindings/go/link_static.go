//go:build pmqtt_static

package pmqtt

// The archive comes first and resolves all symbols. So the linker does not need the shared library that pkg-config
// names, and leaves it out.

// #cgo pkg-config: --static pmqtt
// #cgo LDFLAGS: -l:libpmqtt.a -Wl,--as-needed
import "C"
