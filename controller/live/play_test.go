package live

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/topology"
)

// TestPlays runs the plays in testdata. Beside what lsdbtest knows:
//
//	declare FILE   the operator's file
//	join           prints what counts, where it comes from, and the conditions
//	sids           prints the SIDs of nodes and links
//	learned        prints what was learned as a file
func TestPlays(t *testing.T) {
	lsdbtest.Play(t, func(t *testing.T, s *lsdbtest.Stage) func([]string) (string, bool) {
		var declared *topology.Topology
		return func(args []string) (string, bool) {
			switch args[0] {
			case "declare":
				data, err := os.ReadFile(filepath.Join("testdata", args[1]))
				if err != nil {
					t.Fatal(err)
				}
				if declared, err = topology.Parse(args[1], data); err != nil {
					t.Fatal(err)
				}
				return "", true
			case "join":
				return dump(Join(declared, s.DB.View())), true
			case "sids":
				return dumpSIDs(Join(declared, s.DB.View())), true
			case "learned":
				file := topology.Format(Learned("learned", s.DB.View()))
				if _, err := topology.Parse("learned.yaml", file); err != nil {
					t.Fatalf("what was learned is no file: %v\n%s", err, file)
				}
				return string(file), true
			}
			return "", false
		}
	})
}

func dump(r *Result) string {
	var b strings.Builder
	attributes := func(list []Attribute) {
		for _, a := range list {
			if a.ByPeers == "" {
				continue // as declared
			}
			source := "file"
			if a.Learned {
				source = "bgp-ls"
			}
			fmt.Fprintf(&b, "  %s %s (%s; file: %s; peers: %s by %s since %s", a.Name, or(a.Value), source, or(a.ByFile), a.ByPeers, join(a.Peers), a.Since.Sub(lsdbtest.Start))
			if a.Stale {
				b.WriteString(", stale")
			}
			for _, o := range a.Others {
				b.WriteString(", " + o)
			}
			b.WriteString(")\n")
		}
	}
	conditions := func(list []Condition) {
		for _, c := range list {
			fmt.Fprintf(&b, "  ! %s: %s\n", c.Type, c.Message)
		}
	}
	for i, n := range r.Nodes {
		fmt.Fprintf(&b, "node %s is %v\n", n.Name, orNone(n.Router))
		if n.Name != r.Topology.Nodes[i].Name {
			b.WriteString("  out of order\n")
		}
		attributes(n.Attributes)
		conditions(n.Conditions)
	}
	for e, l := range r.Links {
		state := "not learned"
		if l.Learned != nil {
			state = "learned"
		} else if len(l.Halves) > 0 {
			state = fmt.Sprintf("learned by %d halves", len(l.Halves))
		}
		if why, out := r.Out[l.Name]; out {
			state += ", out: " + why
		}
		fmt.Fprintf(&b, "link %s %s\n", l.Name, state)
		attributes(r.Attributes(e))
		conditions(l.Conditions)
	}
	for _, x := range r.Routers {
		fmt.Fprintf(&b, "undeclared router %v\n", x)
	}
	for _, l := range r.Others {
		fmt.Fprintf(&b, "undeclared link of %v\n", l.Adjacencies[0].AB.NLRI)
	}
	for _, h := range r.Half {
		fmt.Fprintf(&b, "half-known %v\n", h.NLRI)
	}
	return b.String()
}

func or(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func orNone[T any](p *T) any {
	if p == nil {
		return "none"
	}
	return p
}

func dumpSIDs(r *Result) string {
	var b strings.Builder
	show := func(what string, s SID, ok bool) {
		if !ok {
			fmt.Fprintf(&b, "%s: none\n", what)
			return
		}
		fmt.Fprintf(&b, "%s: %v behavior %d", what, s.Addr, s.Behavior)
		if s.Protected {
			b.WriteString(" protected")
		}
		if s.Stale {
			b.WriteString(" stale")
		}
		b.WriteString("\n")
	}
	t := r.Topology
	for _, n := range t.Nodes {
		s, ok := r.SIDs.Node(n.Name)
		show("node "+n.Name, s, ok)
		s, ok = r.SIDs.Decapsulation(n.Name, ls.BehaviorEndDT6)
		show("node "+n.Name+" DT6", s, ok)
		if n.NoAgent {
			s, ok = r.SIDs.Decapsulation(n.Name, ls.BehaviorEndDT46)
			show("node "+n.Name+" DT46", s, ok)
		}
	}
	for _, e := range t.Entries {
		for _, n := range []int{e.A, e.B} {
			s, ok := r.SIDs.Over(e.Name, t.Nodes[n].Name)
			show(e.Name+" from "+t.Nodes[n].Name, s, ok)
			if a := r.SIDs.Address(e.Name, t.Nodes[n].Name); a.IsValid() {
				fmt.Fprintf(&b, "%s address of %s: %v\n", e.Name, t.Nodes[n].Name, a)
			}
		}
	}
	return b.String()
}
