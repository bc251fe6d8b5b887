package core

import (
	"os"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/topology"
)

// TestWhatMatters: what is learned anew is a question for the solver, or news for
// the agents, or neither.
func TestWhatMatters(t *testing.T) {
	text, err := os.ReadFile("testdata/routers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	declared, err := topology.Parse("routers.yaml", []byte(strings.ReplaceAll(string(text), "capacity: 1Gbps, ", "")))
	if err != nil {
		t.Fatal(err)
	}
	feed, err := os.ReadFile("testdata/routers.feed")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		says        string
		paths, sids bool // are the same
	}{
		{"rr node l2 2 name=b", true, true},
		{"rr2 up", true, true},
		{"rr lost", true, false}, // of nodes it is not looked closely
		{"rr link l2 2 3 te=1 bw=1G delay=100-800 endx=5f00:9:2:3::", true, true},
		{"rr link l2 2 3 te=1 bw=1G delay=900-1000 id=1-1", true, false}, // another half, and nobody knows which it is,
		{"rr link l2 2 3 te=1 bw=1G delay=900-1000 endx=5f00::1/57/-/0", true, false},
		{"rr link l2 2 3 te=1 bw=1G delay=900-1001 endx=5f00:9:2:3::", false, true},
		{"rr link l2 2 3 te=2 bw=1G delay=900-1000 endx=5f00:9:2:3::", false, true},
		{"rr link l2 2 3 te=1 bw=2G delay=900-1000 endx=5f00:9:2:3::", false, true},
		{"rr link l2 2 3 te=1 bw=1G delay=900-1000 srlg=1,2 endx=5f00:9:2:3::", false, true},
		{"rr gone link l2 2 3", true, false}, // it is out
		{"rr prefix l2 2 5f00:2::/48 locator=0", false, false},
		{"rr sid l2 2 5f00:2::d6 behavior=18", true, false},
	} {
		radio := lsdbtest.Stage{DB: lsdb.New(), Now: lsdbtest.Start}
		do := func(line string) {
			if printed, known := radio.Do(strings.Fields(line)); !known || printed != "" {
				t.Fatalf("%s: %s", line, printed)
			}
		}
		do("rr up")
		for line := range strings.Lines(string(feed)) {
			do("rr " + line)
		}
		was := live.Join(declared, radio.DB.View())
		do(tt.says)
		is := live.Join(declared, radio.DB.View())
		if paths, sids := samePaths(was.Topology, is.Topology, is.Out), sameSIDs(was, is); paths != tt.paths || sids != tt.sids {
			t.Errorf("%s: the same paths %v, and SIDs %v; want %v, %v", tt.says, paths, sids, tt.paths, tt.sids)
		}
	}
}

// TestPeerSID: the SID for an agent as BGP peer of a router is news, though no half of
// the link says anything new.
func TestPeerSID(t *testing.T) {
	text, err := os.ReadFile("../live/testdata/half.yaml")
	if err != nil {
		t.Fatal(err)
	}
	declared, err := topology.Parse("half.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	radio := lsdbtest.Stage{DB: lsdb.New(), Now: lsdbtest.Start}
	do := func(lines ...string) *live.Result {
		for _, line := range lines {
			if printed, known := radio.Do(strings.Fields(line)); !known || printed != "" {
				t.Fatalf("%s: %s", line, printed)
			}
		}
		return live.Join(declared, radio.DB.View())
	}
	was := do("r1 up", "r1 node l2 1 te=192.0.2.1", "r1 link bgp 0xc0000201@65000 0x0a000007@65007 if=2001:db8:7::1 nb=2001:db8:7::2",
		"r1 sid bgp 0xc0000201@65000 5f00:0:1:b7:: behavior=5 peer=0x0a000007", "r1 end")
	is := do("r1 gone sid bgp 0xc0000201@65000 5f00:0:1:b7::", "r1 sid bgp 0xc0000201@65000 5f00:0:1:c7:: behavior=5 peer=0x0a000007")
	before, _ := was.SIDs.Over("rt", "r")
	if after, ok := is.SIDs.Over("rt", "r"); !ok || before.Addr == after.Addr || sameSIDs(was, is) {
		t.Errorf("from %v to %v is no news", before.Addr, after.Addr)
	}
}
