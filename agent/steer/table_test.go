package steer

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

var (
	noon     = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	identity = netip.MustParseAddr("10.0.0.3")
	both     = []message.Family{message.IPv4Unicast, message.IPv6SRPolicy}
)

const grace = time.Minute

func table(names ...string) *Table {
	o := Options{Identifier: identity, Grace: grace}
	for _, name := range names {
		o.Peers = append(o.Peers, Peer{Name: name, Address: netip.MustParseAddr("192.0.2.1"), Families: both})
	}
	return NewTable(o)
}

// announced is what a speaker hears of an UPDATE.
func announced(t testing.TB, u message.Update, err error) rib.Object {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := message.AppendUpdate(nil, u, message.MaxExtended)
	if err != nil {
		t.Fatal(err)
	}
	parsed, faults, err := message.ParseUpdate(b[message.HeaderLen:], true)
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	o := rib.Object{NextHop: route.Read(&parsed).NextHop, Attributes: parsed.Attributes}
	if parsed.Reach == nil || parsed.Reach.Family == message.IPv4Unicast {
		nlri := parsed.NLRI
		if parsed.Reach != nil {
			nlri = parsed.Reach.NLRI
		}
		prefixes, err := message.ParsePrefixes(nlri, message.IPv4Unicast)
		if err != nil {
			t.Fatal(err)
		}
		o.Name = rib.Name{Family: message.IPv4Unicast, Prefix: prefixes[0]}
		return o
	}
	names, _ := srpolicy.ParseNLRIs(parsed.Reach.NLRI, parsed.Reach.Family)
	o.Name = rib.Name{Family: parsed.Reach.Family, Policy: names[0]}
	return o
}

var session = route.Session{LocalAS: 65000, ExtendedNextHop: true, Extended: true, LocalAddress: netip.MustParseAddr("192.0.2.1")}

func pathObject(t testing.TB, p Path, headends ...netip.Addr) rib.Object {
	u, err := srpolicy.Route{CandidatePath: p.CandidatePath, Headends: headends, Direct: len(headends) == 0}.Announce(session)
	return announced(t, u, err)
}

func routeObject(t testing.TB, r Route) rib.Object {
	u, err := r.Announce(session)
	return announced(t, u, err)
}

func up(peer string, at time.Time) rib.Batch {
	return rib.Batch{Peer: peer, Up: &rib.Up{At: at, Families: both, ID: netip.MustParseAddr("10.0.0.1"), AS: 65000}}
}

// has says which paths and prefixes there are.
func has(t *Table) string {
	h := t.Heard()
	var words []string
	for _, p := range h.Paths {
		words = append(words, p.Name)
	}
	for _, r := range h.Routes {
		words = append(words, r.Prefix.String())
	}
	return strings.Join(words, " ")
}

func faults(t *Table) string {
	var words []string
	for _, f := range t.Heard().Faults {
		words = append(words, f.Object+": "+f.Error)
	}
	return strings.Join(words, "\n")
}

// What was said stays until it is withdrawn in a session, or a new session has
// said everything without it.
func TestFailsStatic(t *testing.T) {
	var (
		first, second = path(7, "first", 5, 1, viaB), path(7, "second", 4, 2, viaC)
		prefix        = colored("10.2.0.0/16", gold)
		all           = []rib.Object{pathObject(t, first), pathObject(t, second), routeObject(t, prefix)}
		names         = []rib.Name{all[0].Name, all[1].Name, all[2].Name}
		lost          = rib.Batch{Peer: "core", Down: &rib.Down{At: noon, Reason: "hold timer expired", Stale: both, Until: noon.Add(time.Minute)}}
		flush         = rib.Batch{Peer: "core", Unreach: names}
	)
	for name, c := range map[string]struct {
		then   []rib.Batch
		expire time.Time
		want   string
		fault  string
	}{
		"nothing":                        {nil, noon.Add(time.Hour), "first second 10.2.0.0/16", ""},
		"a withdrawal":                   {[]rib.Batch{{Peer: "core", Unreach: names[:1]}}, noon, "second 10.2.0.0/16", ""},
		"the session is lost":            {[]rib.Batch{lost}, noon.Add(time.Hour), "first second 10.2.0.0/16", "it has no session: hold timer expired; 3 objects that it has said before are kept"},
		"and its restart time is over":   {[]rib.Batch{lost, flush}, noon.Add(time.Hour), "first second 10.2.0.0/16", "it has no session"},
		"without graceful restart":       {[]rib.Batch{{Peer: "core", Down: &rib.Down{Reason: "Cease"}}}, noon, "first second 10.2.0.0/16", "it has no session: Cease"},
		"it is back, says nothing":       {[]rib.Batch{lost, up("core", noon)}, noon.Add(grace - 1), "first second 10.2.0.0/16", "it is back and has not said everything again; 3 objects"},
		"and it flaps":                   {[]rib.Batch{lost, up("core", noon), flush, lost, up("core", noon)}, noon, "first second 10.2.0.0/16", "it is back"},
		"and the time of grace is over":  {[]rib.Batch{lost, up("core", noon)}, noon.Add(grace), "", ""},
		"it says one again":              {[]rib.Batch{lost, up("core", noon), {Peer: "core", Reach: all[1:2]}}, noon, "first second 10.2.0.0/16", "2 objects"},
		"and that is all of the family":  {[]rib.Batch{lost, up("core", noon), {Peer: "core", Reach: all[1:2], Unreach: names[:1], EndOfRIB: both[1:]}}, noon, "second 10.2.0.0/16", "1 objects"},
		"and that is all":                {[]rib.Batch{lost, up("core", noon), {Peer: "core", Reach: all[1:2], EndOfRIB: both}}, noon.Add(time.Hour), "second", ""},
		"it withdraws what it has again": {[]rib.Batch{lost, up("core", noon), {Peer: "core", Reach: all}, {Peer: "core", Unreach: names[:1]}}, noon, "second 10.2.0.0/16", ""},
		"a stranger":                     {[]rib.Batch{{Peer: "stranger", Unreach: names}}, noon, "first second 10.2.0.0/16", ""},
		"the color is taken away":        {[]rib.Batch{{Peer: "core", Reach: []rib.Object{{Name: names[2], NextHop: all[2].NextHop, Attributes: all[2].Attributes[:1]}}}}, noon, "first second", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tab := table("core")
			tab.Take(up("core", noon.Add(-time.Hour)))
			tab.Take(rib.Batch{Peer: "core", Reach: all, EndOfRIB: both})
			for _, b := range c.then {
				tab.Take(b)
			}
			wake := tab.Wake()
			if expired := tab.Expire(c.expire); expired != (!wake.IsZero() && !c.expire.Before(wake)) {
				t.Errorf("expired %v at %v, wakes at %v", expired, c.expire, wake)
			}
			if got := has(tab); got != c.want {
				t.Errorf("there is %q, want %q", got, c.want)
			}
			if got := faults(tab); !strings.Contains(got, c.fault) || c.fault == "" && got != "" {
				t.Errorf("faults %q, want %q", got, c.fault)
			}
			for _, p := range tab.Heard().Paths {
				if p.Lost != strings.Contains(c.fault, "no session") {
					t.Errorf("%s: lost %v", p.Name, p.Lost)
				}
			}
		})
	}
}

// A restart of the agent is a lost session. A peer that is none any more ends
// when the others have said everything.
func TestKeptOnDisk(t *testing.T) {
	before := table("core", "former")
	old := path(8, "old", 5, 1, viaC, "3/"+viaB)
	old.Originator = Originator{65001, netip.MustParseAddr("10.0.0.8")}
	for _, peer := range []string{"core", "former"} {
		before.Take(up(peer, noon))
	}
	before.Take(rib.Batch{Peer: "core", Reach: []rib.Object{pathObject(t, path(7, "first", 5, 1, viaB)), routeObject(t, colored("10.2.0.0/16", gold))}})
	before.Take(rib.Batch{Peer: "former", Reach: []rib.Object{pathObject(t, old)}})
	b, err := before.Encode()
	if err != nil {
		t.Fatal(err)
	}
	same := table("core", "former")
	if err := same.Restore(b); err != nil {
		t.Fatal(err)
	}
	again, err := same.Encode()
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("%v\n%s\n%s", err, b, again)
	}
	was, is := before.Heard(), same.Heard()
	for i := range is.Paths {
		is.Paths[i].Lost = false
	}
	for i := range is.Routes {
		is.Routes[i].Lost = false
	}
	if !reflect.DeepEqual(was.Paths, is.Paths) || !reflect.DeepEqual(was.Routes, is.Routes) {
		t.Errorf("%+v\n%+v", was, is)
	}
	after := table("core")
	if err := after.Restore(b); err != nil {
		t.Fatal(err)
	}
	if got := has(after); got != "first old 10.2.0.0/16" || !strings.Contains(faults(after), "bgp peer former: it is no peer any more; 1 objects") {
		t.Errorf("%s\n%s", got, faults(after))
	}
	after.Take(up("core", noon))
	after.Take(rib.Batch{Peer: "core", EndOfRIB: both[:1]})
	if got := has(after); got != "first old" {
		t.Errorf("the former peer goes too early: %s", got)
	}
	after.Take(rib.Batch{Peer: "core", EndOfRIB: both[1:]})
	if got := has(after); got != "" {
		t.Errorf("what is left: %s", got)
	}
}

func TestRestoreRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{`:             "unexpected end",
		`{"version":2}`: "it is of version 2",
		`{"version":1,"node":"10.0.0.3","peers":[{"name":"core","paths":[{}]}]}`:                             "without an endpoint",
		`{"version":1,"node":"10.0.0.3","peers":[{"name":"core","routes":[{"Prefix":"10.0.0.1/8"}]}]}`:       "to no prefix",
		`{"version":1,"node":"10.0.0.3","peers":[{"name":"core","routes":[{"Prefix":""}]}]}`:                 "to no prefix",
		`{"version":1,"node":"10.0.0.3","peers":[{"name":"core","routes":[{"Prefix":"10.0.0.0/8/8"}]}]}`:     "",
		`{"version":1,"node":"10.0.0.3","peers":[{"name":"core","paths":[{"NLRI":{"Endpoint":"nobody"}}]}]}`: "",
	} {
		if err := table("core").Restore([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What is for others does not count, and what cannot be used is named.
func TestForThisHeadend(t *testing.T) {
	tab := table("core")
	tab.Take(up("core", noon))
	p := path(7, "first", 5, 1, viaB)
	other := p
	other.Distinguisher = 2
	foreign := p
	foreign.Distinguisher, foreign.SegmentLists = 3, []srpolicy.SegmentList{{Segments: []srpolicy.Segment{{Other: srpolicy.SubTLV{Type: 1, Value: make([]byte, 6)}}}}}
	huge := p
	huge.Distinguisher, huge.SegmentLists = 4, nil
	for range maxTunnel / 20 {
		huge.SegmentLists = append(huge.SegmentLists, p.SegmentLists...)
	}
	elsewhere := netip.MustParseAddr("10.0.0.4")
	tab.Take(rib.Batch{Peer: "core", Reach: []rib.Object{
		pathObject(t, p, elsewhere, identity), pathObject(t, other, elsewhere), pathObject(t, foreign), pathObject(t, huge, identity),
	}})
	if got := has(tab); got != "first" {
		t.Errorf("there is %q", got)
	}
	got := faults(tab)
	for _, want := range []string{"distinguisher 3 of bgp peer core: SR Policy", "of type 1", "distinguisher 4 of bgp peer core: its Tunnel Encapsulation attribute has"} {
		if !strings.Contains(got, want) {
			t.Errorf("faults %q, want %q", got, want)
		}
	}
	// For this node no more, it is gone.
	tab.Take(rib.Batch{Peer: "core", Reach: []rib.Object{pathObject(t, p, elsewhere)}})
	if got := has(tab); got != "" {
		t.Errorf("there is %q", got)
	}
}

// Who made a path is told by the attributes, or else it is the peer.
func TestOriginator(t *testing.T) {
	o := pathObject(t, path(7, "first", 5, 1, viaB))
	reflected := o
	reflected.Policy.Distinguisher = 2
	reflected.Attributes = append(slices.Clone(o.Attributes), message.Attribute{Type: message.OriginatorIDType, Value: []byte{10, 0, 0, 8}})
	external := o
	external.Policy.Distinguisher = 3
	external.Attributes = slices.DeleteFunc(slices.Clone(o.Attributes), func(a message.Attribute) bool { return a.Type == message.ASPathType })
	external.Attributes = append(external.Attributes, message.ASPath(65010, 65011))
	tab := table("core")
	tab.Take(up("core", noon))
	tab.Take(rib.Batch{Peer: "core", Reach: []rib.Object{o, reflected, external}})
	var got []string
	for _, p := range tab.Heard().Paths {
		got = append(got, p.Originator.Node.String(), strings.Repeat("external", int(p.Originator.AS-65000)/11))
	}
	if want := []string{"10.0.0.1", "", "10.0.0.8", "", "10.0.0.1", "external"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
