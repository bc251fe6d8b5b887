package agent

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Fences that the kernel refuses before there is a Config are reported, and
// tried again until they stand.
func TestFencesBeforeAConfig(t *testing.T) {
	l := newLiar(t)
	l.agent.stop()
	if err := os.Remove(filepath.Join(l.dir, configFile)); err != nil {
		t.Fatal(err)
	}
	l.a.obeyNothing(t) // as after a reboot
	var tries atomic.Int32
	var good atomic.Bool
	l.agent = startWith(t, l.a, l.dir, &refusing{l.a.kernel, func(op nodecfg.Op) error {
		if _, ok := op.Object.(nodecfg.Rule); ok && !good.Load() {
			tries.Add(1)
			return unix.ENOBUFS
		}
		return nil
	}})
	l.agent.report("the fences do not stand", func(r *nodecfg.Report) bool {
		return len(r.Errors) == 1 && r.Errors[0].Object == "fences of the floors" && strings.Contains(r.Errors[0].Error, "no buffer space")
	})
	good.Store(true)
	l.agent.report("they stand", func(r *nodecfg.Report) bool { return len(r.Errors) == 0 })
	l.refused("without a config")
}
