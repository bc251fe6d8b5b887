package foreign_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign"
	"github.com/keiro-net/keiro/topology/foreign/foreigntest"
)

// Whatever the labels, ids and amounts: the topology is legal and read back.
func TestAnyGraph(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		label := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "a-1", "a-2", "site-a", "node", "node-1", "ä", "A/B", "A B", "-", "junction"}))
		g := foreign.NewGraph("drawn.file", nil)
		g.Name = label.Draw(rt, "name")
		ids := rapid.SliceOfNDistinct(rapid.OneOf(label, rapid.StringMatching(`[0-9]`)), 1, 8, rapid.ID).Draw(rt, "ids")
		for _, id := range ids {
			n := foreign.Node{
				Key: id, Label: label.Draw(rt, "label"), Country: label.Draw(rt, "country"),
				Junction: rapid.Bool().Draw(rt, "junction"), External: rapid.Bool().Draw(rt, "external"),
				Labels: map[string]string{label.Draw(rt, "key"): label.Draw(rt, "value")},
			}
			if rapid.Bool().Draw(rt, "placed") {
				n.Lat = topology.Declare(float64(rapid.IntRange(-1, 1).Draw(rt, "lat") * 90))
				n.Lon = topology.Declare(float64(rapid.IntRange(-1, 1).Draw(rt, "lon") * 180))
			}
			g.AddNode(n)
		}
		end := rapid.SampledFrom(ids)
		for range rapid.IntRange(0, 12).Draw(rt, "edges") {
			e := foreign.Edge{
				From: end.Draw(rt, "from"), To: end.Draw(rt, "to"), Directed: rapid.Bool().Draw(rt, "directed"),
				Metric: rapid.Int64Range(0, 2).Draw(rt, "metric"),
			}
			if rapid.Bool().Draw(rt, "timed") {
				e.Delay = topology.Declare(topology.Delay(rapid.Int64Range(0, 2).Draw(rt, "delay")))
			}
			g.AddEdge(e)
		}
		for range rapid.IntRange(0, 5).Draw(rt, "demands") {
			g.AddDemand(foreign.Demand{Name: label.Draw(rt, "demand"), From: end.Draw(rt, "from"), To: end.Draw(rt, "to"), Bandwidth: 1})
		}
		imported, err := g.Build()
		if err != nil {
			rt.Fatal(err)
		}
		foreigntest.ReadBack(rt, imported)
		for _, n := range imported.Topology.Nodes {
			if err := topology.CheckName(n.Name); err != nil {
				rt.Error(err)
			}
		}
	})
}

// The delay of a link follows from the places of its ends.
func TestDelay(t *testing.T) {
	for _, c := range []struct {
		lat, lon float64
		want     topology.Delay
	}{
		{35, 139, 0},
		{36, 139, 834},     // a degree of latitude: 111.195 km, 166.79 km of cable
		{-35, -41, 125095}, // the antipode: half a great circle, 20015.1 km
		{35, 139.0001, 1},  // 9 m
		{90, 0, 38224},     // the pole: 55 degrees, 6115.73 km
		{-90, 12, 86872},   // the other: 125 degrees, 13899.39 km
	} {
		g := foreign.NewGraph("x", nil)
		place := func(key string, lat, lon float64) {
			g.AddNode(foreign.Node{Key: key, Label: key, Lat: topology.Declare(lat), Lon: topology.Declare(lon)})
		}
		place("a", 35, 139)
		place("b", c.lat, c.lon)
		g.AddEdge(foreign.Edge{From: "a", To: "b"})
		imported, err := g.Build()
		if err != nil {
			t.Fatal(err)
		}
		link := imported.Topology.Links[0]
		if got, _ := link.Delay.Get(); got != c.want || link.Delay.Source() != topology.Derived {
			t.Errorf("to %v %v: %v, want %v", c.lat, c.lon, got, c.want)
		}
	}
}

func TestCountryCode(t *testing.T) {
	for name, want := range map[string]string{
		"Japan": "JP", "JP": "JP", " united states ": "US", "Myanmar [Burma]": "MM", "Côte d'Ivoire": "CI",
		"Bosnia & Herzegovina": "BA", "Saint Lucia": "LC", "Hong Kong": "HK", "Macau": "MO", "Britain (UK)": "",
		"Kosovo": "", "": "", "XX": "", "Atlantis": "",
	} {
		if got, ok := foreign.CountryCode(name); got != want || ok != (want != "") {
			t.Errorf("CountryCode(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		number, unit float64
		want         string
	}{
		{1.1, 1e6, "1100kbps true"},
		{7.0000004, 1e6, "7000001bps true"},
		{0.1, 1, "1bps true"},
		{-1, 1, "-1bps false"},
		{1e9, 1e9, "1000000Tbps false"},
	} {
		rate, ok := foreign.Need(c.number, c.unit)
		if got := fmt.Sprint(rate, ok); got != c.want {
			t.Errorf("Need(%v, %v) = %s, want %s", c.number, c.unit, got, c.want)
		}
	}
}
