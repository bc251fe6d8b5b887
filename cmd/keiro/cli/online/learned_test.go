package online

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/topology"
)

// listen has the controller speak BGP: testdata/bgp.yaml is declared, if so said,
// and testdata/bgp.said is what peers say.
func (w *world) listen(t *testing.T, declared bool) {
	t.Helper()
	data, err := os.ReadFile("testdata/bgp.said")
	if err != nil {
		t.Fatal(err)
	}
	stage := &lsdbtest.Stage{DB: lsdb.New(), Now: apitest.Now}
	for line := range strings.Lines(string(data)) {
		if printed, known := stage.Do(strings.Fields(line)); !known || printed != "" {
			t.Fatalf("%s: %s", line, printed)
		}
	}
	now := apitest.Now.Add(time.Minute)
	c := core.New(core.Params{})
	spec := core.Spec{Generation: 7}
	if declared {
		text, err := os.ReadFile("testdata/bgp.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if spec.Topology, err = topology.Parse("bgp.yaml", text); err != nil {
			t.Fatal(err)
		}
	}
	c.Step(now, core.Started{Spec: spec})
	c.Step(now, core.AgentConnected{Node: "a"})
	c.Step(now, core.Reported{Report: nodecfg.Report{Node: "a", Links: []nodecfg.LinkState{{Name: "a--b", Up: true, MTU: 1500, Changed: now}}}})
	c.Step(now, core.Learned{View: stage.DB.View()})
	w.Listen(peers(), c.View(now))
}

// peers are one that is well and two that are not.
func peers() []bgp.State {
	at := func(address string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(address), 179) }
	now := apitest.Now
	return []bgp.State{{
		Peer: "rr1", Remote: at("192.0.2.253"), Local: netip.MustParseAddrPort("192.0.2.10:40000"), AS: 65001, ID: netip.MustParseAddr("192.0.2.253"),
		State: fsm.Established, Since: now, HoldTime: 90 * time.Second, Security: "GTSM, on the same link; TCP MD5",
		Families: []message.Family{message.LinkState, message.IPv6SRPolicy}, GracefulRestart: 2 * time.Minute,
		Objects: 14, Routes: 3, Pending: 1, Updates: 17, Withdrawn: 2, Faults: 1, Flaps: 4, LastError: "hold timer expired: nothing was heard for 1m30s", LastErrorAt: now.Add(-time.Hour),
		LastFault: "TLV 1114 has 3 octets, not 4", LastFaultAt: now,
	}, {
		Peer: "rr2", Remote: at("192.0.2.254"), AS: 65001, State: fsm.Active, Since: now.Add(5 * time.Minute), HoldTime: 30 * time.Second, Security: "TCP MD5",
		Families: []message.Family{message.LinkState}, Objects: 3, Stale: 3, StaleUntil: now.Add(15 * time.Minute), Flaps: 1,
		LastError:   "cannot connect: dial tcp 192.0.2.254:179: i/o timeout (the peer must have the same TCP MD5 password)",
		LastErrorAt: now.Add(9 * time.Minute),
	}, {
		Peer: "x", Remote: at("2001:db8::9"), AS: 65009, State: fsm.Idle, Since: now.Add(9 * time.Minute), HoldTime: 90 * time.Second, Security: "none",
		Families: []message.Family{message.LinkState}, LastError: "the peer says that its AS is 65010, configured is 65009", LastErrorAt: now.Add(9 * time.Minute),
		IdleUntil: now.Add(11 * time.Minute),
	}}
}

// What was learned is a file that an operator can start from.
func TestLearnedIsAFile(t *testing.T) {
	w := newWorld(t)
	w.listen(t, false)
	code, file, stderr := w.run(t, "get", "topology", "--learned", "-o", "yaml")
	if code != 0 {
		t.Fatal(stderr)
	}
	parsed, err := topology.Parse("net.yaml", []byte(file))
	if err != nil || len(parsed.Nodes) != 4 || len(parsed.Entries) != 2 {
		t.Fatalf("%v\n%s", err, file)
	}
	name := t.TempDir() + "/net.yaml"
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	w.expect(t, 0, "Topology/learned created\n", "", "apply", "-f", name)
}

// steer has the headends of gold told of it by BGP: a, which says what it has, and
// d, which says nothing and was not told of all.
func (w *world) steer() {
	w.Update(func(s *resource.State) {
		gold := *s.Intent("gold")
		gold.Status.Paths = slices.Clone(gold.Status.Paths)
		for n := range gold.Status.Paths {
			p := &gold.Status.Paths[n]
			told := &resource.SRPolicy{Held: resource.Unknown, Active: resource.Unknown, Message: "the headend reports nothing of it (RFC 9857)",
				Candidate: &resource.CandidatePath{Name: p.Name, Color: 1000001, Endpoint: "2001:db8::4", Distinguisher: 2166136261 + int64(n), Preference: 1000 - int64(n%2)}}
			if p.Headend == "d" {
				told.Candidate.Endpoint = "5f00:0:1::1"
			}
			p.SRPolicy, p.Installed, p.Active, p.State, p.Cause, p.RTTUS, p.Since = told, false, false, nodecfg.CannotTell, "", 0, time.Time{}
			p.There, p.Back, p.Delay, p.Loss = nil, nil, "", ""
			switch n {
			case 0:
				p.Installed, p.Active, told.Held, told.Active, told.Message = true, true, resource.True, resource.True, ""
			case 1:
				told.Held, told.Active, told.Message = resource.False, resource.False, "the headend finds no valid segment list"
			case 3:
				told.Candidate, told.Message = nil, "no SID of router d over link c--d is learned"
			}
		}
		s.Intents[1] = &gold
	})
}
