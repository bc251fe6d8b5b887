package lsdb_test

import (
	"testing"

	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
)

// TestPlays runs the plays in testdata.
func TestPlays(t *testing.T) {
	lsdbtest.Play(t, func(*testing.T, *lsdbtest.Stage) func([]string) (string, bool) {
		return func([]string) (string, bool) { return "", false }
	})
}
