package demo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// newRouters is a stage for the story of routers.
func newRouters(t *testing.T, name string) *stage {
	t.Helper()
	s := newStage(t, name)
	for _, file := range []string{bgpLab, bgpTopology, bgpIntents, bgpSteering, bgpPeers, bgpRouters, bgpAgent} {
		data := strings.Replace(string(example(t, file)), "\nname: bgp\n", "\nname: "+s.lab+"\n", 1)
		s.must(os.WriteFile(filepath.Join(s.dir, file), []byte(data), 0o644))
	}
	return s
}

var goodRouters = regexp.MustCompile(`\ndemo: ok, a cut between two routers known after \d+\.\d ms, new SR Policy after \d+\.\d ms, ` +
	`packets after \d+\.\d ms; lost \d+ of \d{4,5} packets\n$`)

// toldOfRouters looks for what the story is to show.
func toldOfRouters(t *testing.T, out string) {
	t.Helper()
	if !goodRouters.MatchString(out) {
		t.Errorf("it does not end well:\n%s", out)
	}
	for _, want := range []string{
		`\nnag1 +\S+ +65000 +Established `, `\nnag1--myj1 +not declared +nag1 +myj1 +10 +400Mbps +3ms `,
		`\ndelay +3ms +bgp-ls `, `\nInstalled is True \(Confirmed\)`, `\npath 0, active: ok, `,
		`\npolicy color 100000\d endpoint `, `\n    weight 1 segments 5f00:0:1001:e003:: 5f00:0:1002:e004:: `,
		// Another path, over osa1, which has an agent.
		`\n    weight 1 segments 5f00:0:1001:e003:: 5f00:0:1002:e003:: 5f00:0:3:`,
		`\nsdj-osa-policy +satisfied `, ` sent meanwhile, 0 lost\n`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

// Routers, by an ordinary user where there can be one.
func TestRouters(t *testing.T) {
	s := newRouters(t, "routers")
	if os.Geteuid() == 0 {
		id := uint32(30000 + (os.Getpid()+1)%30000)
		s.identity = &syscall.Credential{Uid: id, Gid: id}
		s.must(os.Chown(s.temporary, int(id), int(id)))
	} else if out, err := s.command().CombinedOutput(); err != nil && strings.Contains(string(out), "user namespace") {
		t.Skipf("no user namespace for an ordinary user here: %s", out)
	}
	toldOfRouters(t, s.run(0, "--bgp"))
	s.nothingLeft()
	if s.identity != nil {
		s.nobodyLeft()
	}
}

// What is left running answers, and goes when it is told to.
func TestKeepRouters(t *testing.T) {
	needRoot(t)
	s := newRouters(t, "keeprouters")
	t.Cleanup(func() { _ = s.command("--bgp", "--down").Run() }) // where the test fails
	if out := s.run(0, "--bgp", "--keep"); !goodRouters.MatchString(out) || !strings.Contains(out, "\n$ keiro demo --bgp --down\n") {
		t.Errorf("it does not end well:\n%s", out)
	}
	if out := s.run(0, "--bgp", "--", "get", "peers"); !strings.Contains(out, "Established") {
		t.Errorf("get peers: %s", out)
	}
	s.run(0, "--bgp", "--down")
	s.nothingLeft()
	s.run(1, "--bgp", "--", "get", "peers")
}

// The lab and the topology of the example are one network.
func TestRoutersAgree(t *testing.T) {
	file, err := clab.Parse(bgpLab, example(t, bgpLab), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	network, err := topology.Parse(bgpTopology, example(t, bgpTopology))
	if err != nil {
		t.Fatal(err)
	}
	var links []clab.Link
	for _, l := range file.Links {
		if l.A.Node != place {
			links = append(links, l)
		}
	}
	if len(links) != len(network.Entries) || len(file.Nodes) != len(network.Nodes)+1 {
		t.Fatalf("the lab has %d links and %d nodes beside the controller's, the topology %d and %d", len(links), len(file.Nodes)-1, len(network.Entries), len(network.Nodes))
	}
	for i, l := range links {
		e := network.Entries[i]
		if network.Nodes[e.A].Name != l.A.Node || network.Nodes[e.B].Name != l.B.Node || e.AInterface != l.A.Interface || e.BInterface != l.B.Interface ||
			e.AAddress != l.A.IPv6.Addr() || e.BAddress != l.B.IPv6.Addr() {
			t.Errorf("line %d of the lab: the topology has %+v", l.Line, e)
		}
	}
}
