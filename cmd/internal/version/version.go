// Package version knows which Keiro this is. The three mains print it.
package version

import "runtime/debug"

// version is set by the linker (see the Makefile).
var version string

// String is the released version or the commit, and "devel" where neither is
// known.
func String() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
