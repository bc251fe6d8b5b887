// Package testlane lets a test's own binary be the process behind its lanes,
// as `keiro-agent lane` is. Only tests call it.
package testlane

import (
	"os"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/lane/helper"
)

const asHelper = "KEIRO_TEST_LANE_HELPER"

// patience is how long a helper may take to end: the machine may be busy.
const patience = time.Minute

// Main is TestMain of a package whose tests have lanes.
func Main(m *testing.M) {
	if os.Getenv(asHelper) == "" {
		os.Exit(m.Run())
	}
	if err := helper.Main(os.Args[1:]); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// Helpers start in the namespace of the calling thread. What is there when
// the test ends is stopped.
func Helpers(t testing.TB) *lane.Helpers {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := &lane.Helpers{Dir: t.TempDir(), Command: []string{"/usr/bin/env", asHelper + "=1", exe}}
	t.Cleanup(func() {
		names, err := h.Names()
		if err != nil {
			t.Error(err)
		}
		for _, name := range names {
			err := h.Stop(name)
			for end := time.Now().Add(patience); err != nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				err = h.Stop(name)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	return h
}
