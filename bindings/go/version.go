package pmqtt

// #include "bridge.h"
import "C"

import "fmt"

// checkVersion tells whether a program compiled with one version of the header can run with a version of the library.
// The major version must be the same, and before 1.0 the minor version, too. The library must not be older.
func checkVersion(header, library int) error {
	const major, minor = 1_000_000, 1_000
	unit := major
	if header < major {
		unit = minor
	}
	if header/unit == library/unit && library >= header {
		return nil
	}
	words := func(version int) string {
		return fmt.Sprintf("%d.%d.%d", version/major, version%major/minor, version%minor)
	}
	return newError(ErrNotSupported, fmt.Sprintf(
		"compiled with the header of libpmqtt %s, but running with the library %s", words(header), words(library)))
}

func checkLibrary() error {
	return checkVersion(C.PMQTT_VERSION_NUMBER, int(C.pmqtt_lib_version()))
}
