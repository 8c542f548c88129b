package pmqtt

// #include "bridge.h"
import "C"

// propertiesOf reads the list of an event.
func propertiesOf(list C.pmqtt_properties) *Properties { return parseProperties(listOf(list)) }

// listOf copies the list of an event.
func listOf(list C.pmqtt_properties) string {
	return C.GoStringN((*C.char)(list.data), C.int(list.len))
}
