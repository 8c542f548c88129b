//go:build !pmqtt_static

package pmqtt

// #cgo pkg-config: pmqtt
import "C"
