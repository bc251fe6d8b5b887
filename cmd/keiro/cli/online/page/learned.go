package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

const notDeclared = "not declared"

// Learned shows what routers say, and what of it is declared. Where the two
// directions of a link differ, a/b is the one from a to b and the one back.
func Learned(t *output.Text, now time.Time, l *resource.Learned) {
	routers := &output.Table{Heads: []string{"ROUTER", "NODE", "ROUTER IDS", "LOCATORS", "IGP", "STALE"}, Wide: []string{"CONFLICTS"}}
	for _, r := range l.Routers {
		routers.Add(r.Name, or(r.Node, notDeclared), some(r.RouterIDs), some(r.Locators), some(r.Origins), output.YesNo(r.Stale), some(r.Conflicts))
	}
	list(t, routers, len(l.Routers), "routers are learned")
	t.Printf("\n")
	heads := []string{"LINK", "DECLARED AS", "A", "B", "METRIC", "CAPACITY", "DELAY", "SRLGS", "STALE"}
	if t.Wide {
		heads = append(heads, "IGP", "AGE")
	}
	links := &output.Table{Heads: append(heads, "USABLE")} // a sentence: last
	for _, x := range l.Links {
		row := []string{x.Name, or(x.Link, notDeclared), x.A, x.B,
			both(fmt.Sprint(x.AB.Metric), fmt.Sprint(x.BA.Metric)), both(capacity(x.AB.CapacityBPS), capacity(x.BA.CapacityBPS)),
			both(delay(x.AB.DelayUS), delay(x.BA.DelayUS)), srlgs(x.SRLGs), output.YesNo(x.Stale)}
		if t.Wide {
			row = append(row, some(x.Origins), output.Age(now, x.Since))
		}
		usable := "yes"
		if x.Unusable != "" {
			usable = "no: " + x.Unusable
		}
		links.Add(append(row, usable)...)
	}
	list(t, links, len(l.Links), "links are learned")
	if len(l.Half) == 0 {
		return
	}
	t.Printf("\n")
	half := &output.Table{Heads: []string{"HALF-KNOWN FROM", "TO", "DECLARED AS", "PEERS", "WHY", "LINK"}}
	for _, h := range l.Half {
		half.Add(or(h.From, "a LAN"), or(h.To, "a LAN"), or(h.Link, notDeclared), some(h.Peers), h.Why, h.NLRI)
	}
	t.Table(half)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func some(list []string) string { return output.Or(strings.Join(list, ", ")) }

// both is what two directions have, once where it is the same.
func both(there, back string) string {
	if there == back {
		return there
	}
	return there + "/" + back
}
