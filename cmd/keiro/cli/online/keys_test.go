package online

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// TestNewKeys: a lane has new keys when both ends say so, of the same; who asks
// for it waits for their use, too.
func TestNewKeys(t *testing.T) {
	end := func(node string, state resource.LaneState, epoch uint64, proven bool) resource.LaneEnd {
		return resource.LaneEnd{Node: node, State: state, Epoch: epoch, Proven: proven}
	}
	open, closed := resource.LaneOpen, resource.LaneClosed
	for _, c := range []struct {
		what string
		ends []resource.LaneEnd
		why  string // "": it has
		code int
		used bool
	}{
		{"both", []resource.LaneEnd{end("a", open, 8, true), end("d", open, 8, true)}, "", 0, true},
		{"one has another one already", []resource.LaneEnd{end("a", open, 9, true), end("d", open, 8, true)}, "node a is at epoch 9, node d at 8", command.CannotTell, false},
		{"one is behind", []resource.LaneEnd{end("a", open, 8, true), end("d", open, 7, true)}, "gold/0: node d is at epoch 7", command.CannotTell, false},
		{"not used yet", []resource.LaneEnd{end("a", open, 8, false), end("d", open, 8, true)}, "", 0, false},
		{"not used yet, and asked for", []resource.LaneEnd{end("a", open, 8, false), end("d", open, 8, true)}, "no handshake with the key of epoch 8", command.CannotTell, true},
		{"nobody tells", []resource.LaneEnd{end("a", open, 8, true), {Node: "d", State: resource.LaneUnknown}}, "node d does not tell", command.CannotTell, false},
		{"closed", []resource.LaneEnd{{Node: "a", State: closed, Reason: "no key"}, end("d", open, 7, true)}, "epoch 0 (no key)", command.Degraded, false},
		{"closed with a new key", []resource.LaneEnd{end("a", open, 8, true), {Node: "d", State: closed, Epoch: 8, Proven: true, Reason: "a key in use is known to others"}},
			"node d keeps it closed (a key in use", command.Degraded, true},
	} {
		w := &keyWaiter{used: c.used, before: map[string]uint64{"gold/0": 7}}
		lanes := []resource.Lane{{Name: "gold/0", Serving: true, Ends: c.ends}, {Name: "gold/1", Ends: []resource.LaneEnd{{Node: "a", State: closed}, {Node: "d"}}}}
		f := w.judge(lanes)
		if (f.keyed == 1) != (c.why == "") || !strings.Contains(strings.Join(f.open, "; "), c.why) || (f.unused == 1) != (c.what == "not used yet") {
			t.Errorf("%s: %+v", c.what, f)
		}
		if c.code != 0 {
			var said bytes.Buffer
			if code := command.ExitCode(&said, late(f, time.Minute)); code != c.code || !strings.Contains(said.String(), "0 of 1 lane") {
				t.Errorf("%s: exit code %d: %s", c.what, code, &said)
			}
		}
	}
	if said := renewed(found{keyed: 2, unused: 1}); said != "2 lanes with new keys at both ends; in 1 of them WireGuard uses the key from its next handshake on, within 120 s" {
		t.Error(said)
	}
}
