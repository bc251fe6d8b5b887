package topology

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

func TestFormat(t *testing.T) {
	in, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/full.canonical.yaml")
	if err != nil {
		t.Fatal(err)
	}
	topo, err := Parse("full.yaml", in)
	if err != nil {
		t.Fatal(err)
	}
	if got := Format(topo); string(got) != string(want) {
		t.Errorf("got\n%s", got)
	}
	again, err := Parse("full.canonical.yaml", want)
	if err != nil || !reflect.DeepEqual(again, topo) {
		t.Errorf("reading back: %v\ngot  %+v\nwant %+v", err, again, topo)
	}
}

// A large topology is written in parts, and reads as if it were not.
func TestFormatLarge(t *testing.T) {
	for _, n := range []int{formatPart + 1, 2 * formatPart} {
		var sites []Site
		var nodes []Node
		var entries []Entry
		var links []Link
		for i := range n {
			sites = append(sites, Site{Name: fmt.Sprint("s", i)})
			nodes = append(nodes, Node{Name: fmt.Sprint("n", i), Site: sites[i].Name})
			entries = append(entries, Entry{Name: fmt.Sprint("l", i), A: i, B: (i + 1) % n})
			links = append(links, Link{Entry: i, From: i, To: (i + 1) % n, Metric: 1}, Link{Entry: i, From: (i + 1) % n, To: i, Metric: 1})
		}
		for _, topo := range []*Topology{New("large", sites, nodes, entries, links), New("nodes", nil, nodes, nil, nil)} {
			if !bytes.Equal(Format(topo), strictyaml.Marshal(topo.document())) {
				t.Errorf("%s of %d: not what is written at once", topo.Name, n)
			}
		}
	}
}

func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawTopology(t)
		text := Format(want)
		got, err := Parse("drawn.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
		}
		if again := Format(got); string(again) != string(text) {
			t.Fatalf("not canonical:\n%s\n%s", text, again)
		}
	})
}

// drawTopology draws any topology that a file can state.
func drawTopology(t *rapid.T) *Topology {
	name := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,5}`)
	names := rapid.OneOf(name, rapid.SampledFrom([]string{"no", "1", "1e3", "null", "true", "0x1", "1_0", "2026-11-23", "."}).
		Filter(func(s string) bool { return CheckName(s) == nil }))
	text := rapid.OneOf(names, rapid.String().Filter(func(s string) bool { return CheckText(s) == nil }))
	labels := rapid.OneOf(rapid.Just(map[string]string(nil)),
		rapid.MapOf(text.Filter(func(s string) bool { return s != "" }), text))
	point := rapid.Custom(func(t *rapid.T) Point {
		return Point{Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon")}
	})
	maybe := func(label string) bool { return rapid.Bool().Draw(t, label) }

	var sites []Site
	for _, n := range rapid.SliceOfNDistinct(names, 0, 3, rapid.ID).Draw(t, "sites") {
		s := Site{Name: n, Country: rapid.StringMatching(`([A-Z]{2})?`).Draw(t, "country"), Region: text.Draw(t, "region")}
		if maybe("where") {
			s.Where = Declare(point.Draw(t, "where"))
		}
		sites = append(sites, s)
	}
	var nodes []Node
	for i, n := range rapid.SliceOfNDistinct(names, 2, 4, rapid.ID).Draw(t, "nodes") {
		node := Node{Name: n, Labels: labels.Draw(t, "labels")}
		if len(sites) > 0 && maybe("placed") {
			node.Site, node.Operator = sites[0].Name, names.Draw(t, "operator")
		}
		if maybe("locator") {
			node.Locator = netip.MustParsePrefix(fmt.Sprintf("5f00:0:%x::/48", i))
		}
		if maybe("router ID") {
			node.RouterID = rapid.SampledFrom([]string{"0000.0000.00a%d", "192.0.2.%d", "2001:db8::a%d"}).Draw(t, "router ID")
			node.RouterID = fmt.Sprintf(node.RouterID, i)
		}
		if maybe("evidence") {
			node.Evidence = Declare(rapid.Int64Range(0, 9).Draw(t, "evidence"))
		}
		nodes = append(nodes, node)
	}
	var entries []Entry
	var links []Link
	for i, n := range rapid.SliceOfNDistinct(names, 0, 4, rapid.ID).Draw(t, "links") {
		e := Entry{Name: n, A: i % 2, B: 1 - i%2, Labels: labels.Draw(t, "labels"), QKD: maybe("qkd")}
		if maybe("srlgs") {
			e.SRLGs = Declare(append([]string{}, rapid.SliceOfDistinct(names, rapid.ID).Draw(t, "srlgs")...))
		}
		if maybe("route") {
			e.Route = rapid.SliceOfN(point, 2, 4).Draw(t, "route")
		}
		if maybe("a") {
			e.AInterface = fmt.Sprintf("eth%d", i)
		}
		if maybe("b") {
			e.BInterface = fmt.Sprintf("eth%d", i)
		}
		if maybe("address of a") {
			e.AAddress = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		}
		if maybe("address of b") {
			e.BAddress = netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})
		}
		entries = append(entries, e)
		for _, ends := range [][2]int{{e.A, e.B}, {e.B, e.A}} {
			l := Link{Entry: i, From: ends[0], To: ends[1], Metric: rapid.Int64Range(1, 2).Draw(t, "metric")}
			if maybe("capacity") {
				l.Capacity = known(Bandwidth(rapid.Int64Range(0, int64(MaxBandwidth)).Draw(t, "capacity")), maybe("derived"))
			}
			if maybe("delay") {
				l.Delay = known(Delay(rapid.Int64Range(0, int64(MaxDelay)).Draw(t, "delay")), maybe("derived"))
			}
			links = append(links, l)
		}
	}
	out := New(names.Draw(t, "name"), append([]Site{}, sites...), append([]Node{}, nodes...), append([]Entry{}, entries...), append([]Link{}, links...))
	numbers := rapid.SliceOfNDistinct(rapid.Uint32(), 0, 3, rapid.ID).Draw(t, "numbers")
	for i, n := range rapid.SliceOfNDistinct(names, len(numbers), len(numbers), rapid.ID).Draw(t, "numbered") {
		out.SRLGs = append(out.SRLGs, SRLG{Name: n, Number: numbers[i]})
	}
	return out
}

func known[T any](v T, derived bool) Attr[T] {
	if derived {
		return Derive(v)
	}
	return Declare(v)
}
