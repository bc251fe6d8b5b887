package show

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
)

// What a headend was told by BGP is installed if it says so (RFC 9857), whatever
// its agent has confirmed, and nobody can tell where it says nothing.
func TestToldByBGP(t *testing.T) {
	v, d := viewed(t, feed)
	told := func(n uint32) *srpolicy.CandidatePath {
		return &srpolicy.CandidatePath{NLRI: srpolicy.NLRI{Distinguisher: 4_000_000_000 + n, Color: 1000001, Endpoint: netip.MustParseAddr("2001:db8::4")},
			Tunnel: srpolicy.Tunnel{Name: fmt.Sprint("gold/", n), Preference: ls.Some(1000 - n)}}
	}
	seen := core.Seen{Told: told(0), Reported: true, Held: report.Yes, Installed: report.Yes}
	silent := core.Seen{Told: told(1), Why: "the headend reports nothing of it (RFC 9857)"}
	other := core.Seen{Told: told(0), Reported: true, Held: report.No, Installed: report.No, Why: "other segments", Unknown: "no SID of router a over link ab is learned"}
	refused := core.Seen{Why: "packets are not told from those of intent old"}
	path := func(links string, ac, ca core.Seen) core.PathView {
		return core.PathView{Serving: true, Path: pathspec.Path{Nodes: []string{"a", "b", "c"}, Links: strings.Fields(links)}, Told: map[string]core.Seen{"a": ac, "c": ca},
			Seen: map[string]nodecfg.PathState{}}
	}
	v.Intents = []core.IntentView{{Spec: pathspec.Intent{Name: "gold", From: "a", To: "c"},
		Conditions: []core.Condition{{Type: core.Installed, Status: "False", Reason: "Refused", Message: "headend c cannot be told by BGP: " + refused.Why}},
		Standing:   []core.PathView{path("ab bc", seen, silent), path("ab bc", other, refused)}}}
	for i := range v.Nodes { // the agent of c has confirmed its Config, which has no policies
		if n := &v.Nodes[i]; n.Name == "c" {
			n.Connected, n.Reached = true, n.Wanted
		}
	}
	i := State(nil, d, v, nil).Intents[0]
	var got []string
	for _, p := range i.Status.Paths {
		s := p.SRPolicy
		line := fmt.Sprintf("%s at %s installed=%v active=%v held=%s used=%s", p.Name, p.Headend, p.Installed, p.Active, s.Held, s.Active)
		if c := s.Candidate; c != nil {
			line += fmt.Sprintf(" %s %d %s %d %d", c.Name, c.Color, c.Endpoint, c.Distinguisher, c.Preference)
		}
		got = append(got, line+" "+s.Message)
	}
	want := `gold/0 at a installed=true active=true held=True used=True gold/0 1000001 2001:db8::4 4000000000 1000 
gold/1 at a installed=false active=false held=False used=False gold/0 1000001 2001:db8::4 4000000000 1000 it stands as it was told before, as no SID of router a over link ab is learned
gold/0 at c installed=false active=false held=Unknown used=Unknown gold/1 1000001 2001:db8::4 4000000001 999 the headend reports nothing of it (RFC 9857)
gold/1 at c installed=false active=false held=Unknown used=Unknown packets are not told from those of intent old`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if c := i.Condition(resource.Installed); c == nil || c.Status != resource.False || c.Reason != "Refused" || !strings.HasSuffix(c.Message, refused.Why) {
		t.Errorf("%+v", c)
	}
	lines := Explain(i, &resource.State{}, d).Lines
	for _, want := range []string{
		"path gold/0 at headend a was told by BGP as candidate path gold/0 of color 1000001, endpoint 2001:db8::4, distinguisher 4000000000, preference 1000; held is True, active is True",
		"path gold/1 at headend c was not told; held is Unknown, active is Unknown: packets are not told from those of intent old",
		"Installed is False (Refused): headend c cannot be told by BGP: packets are not told from those of intent old",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in %q", want, lines)
		}
	}
	v.Intents[0].Standing[0].Serving = false
	if p := State(nil, d, v, nil).Intents[0].Status.Paths[0]; p.Installed || p.Active || p.SRPolicy.Held != resource.True {
		t.Errorf("a path that does not serve: %+v", p)
	}
}
