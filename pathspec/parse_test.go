package pathspec

import (
	"encoding/json"
	"net/netip"
	"os"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func TestParseErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Parse(file, data)
		return err
	})
}

func TestParseNothing(t *testing.T) {
	for _, text := range []string{"", "# a comment\n", "---\n---\n", "apiVersion: keiro/v1\nkind: Topology\n"} {
		if intents, err := Parse("empty.yaml", []byte(text)); err != nil || len(intents) != 0 {
			t.Errorf("%q: got %v, %v", text, intents, err)
		}
	}
}

func TestParseFull(t *testing.T) {
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	intents, err := Parse("full.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if len(intents) != 2 {
		t.Fatalf("got %d intents", len(intents))
	}
	full, least := intents[0], intents[1]
	if got := full.Require.Nodes.String(); got != `node.labels.vendor != "x" && node.evidence >= 2` {
		t.Errorf("nodes: %s", got)
	}
	if got := full.Require.Links.String(); got != `link.capacity_bps >= 1000000000` {
		t.Errorf("links: %s", got)
	}
	spread := topology.Delay(3000)
	want := Intent{
		Name: "tyo-osa-gold", Labels: map[string]string{"class": "secret"}, From: "tyo1", To: "osa1", Priority: 100,
		Traffic: []Selector{{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/16")}},
		Mode:    Spread, Weights: []int{3, 1},
		Require: Require{
			Multiplicity: 2, Disjoint: []Kind{Link, Node, SRLG, Site, Operator}, Separation: 20_000, SeparationExcept: 10_000,
			Bandwidth: 1e9, MaxDelay: 20_000, MaxDelaySpread: &spread, MaxHops: 12, Countries: Countries{Allow: []string{"JP"}},
			Avoid: Avoid{SRLGs: []string{"tokaido"}}, Nodes: full.Require.Nodes, Links: full.Require.Links, Encryption: PQ,
		},
		Objective: MinMetric, OnViolation: Block, doc: full.doc,
	}
	if !reflect.DeepEqual(full, want) {
		t.Errorf("got  %+v\nwant %+v", full, want)
	}
	want = Intent{Name: "least", From: "tokyo", To: "osaka", Require: Require{Multiplicity: 1}, doc: least.doc}
	if !reflect.DeepEqual(least, want) {
		t.Errorf("got  %+v\nwant %+v", least, want)
	}
}

func TestDisjointDefaults(t *testing.T) {
	for _, c := range []struct {
		require string
		want    []Kind
	}{
		{"{}", nil},
		{"{disjoint: []}", nil},
		{"{multiplicity: 2}", []Kind{Link}},
		{"{multiplicity: 2, disjoint: []}", []Kind{Link}},
		{"{multiplicity: 2, disjoint: [srlg, node]}", []Kind{Link, Node, SRLG}},
		{"{disjoint: [site]}", []Kind{Link, Site}},
	} {
		intents, err := Parse("t", []byte("{apiVersion: keiro/v1, kind: PathIntent, metadata: {name: x}, spec: {from: a, to: b, require: "+c.require+"}}"))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := intents[0].Require.Disjoint; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v", c.require, got)
		}
	}
}

// What is written is read back as the same intent, in YAML and in JSON.
func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.Custom(drawIntent), 0, 3, func(in Intent) string { return in.Name }).Draw(t, "intents")
		text := Format(want)
		got, err := Parse("drawn.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again := Format(got); string(again) != string(text) {
			t.Fatalf("got\n%s\nwant\n%s", again, text)
		}
		if len(got) != len(want) {
			t.Fatalf("got %d intents, want %d", len(got), len(want))
		}
		for i := range got {
			data, err := json.Marshal(want[i])
			if err != nil {
				t.Fatal(err)
			}
			var in Intent
			if err := json.Unmarshal(data, &in); err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			sameIntent(t, got[i], want[i])
			sameIntent(t, in, want[i])
		}
	})
}

func sameIntent(t *rapid.T, got, want Intent) {
	if !got.Equal(&want) {
		t.Fatalf("%s: not equal", want.Name)
	}
	for _, in := range []*Intent{&got, &want} { // programs and lines differ
		in.doc = nil
		for _, p := range []**Predicate{&in.Require.Nodes, &in.Require.Links} {
			if *p != nil {
				*p = &Predicate{text: (*p).text}
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func drawIntent(t *rapid.T) Intent {
	name := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,5}`)
	list := func(label string) []string {
		names := rapid.SliceOfNDistinct(name.Filter(func(s string) bool { return s != "a" && s != "b" }), 0, 3, rapid.ID).Draw(t, label)
		if len(names) == 0 {
			return nil
		}
		return names
	}
	in := Intent{
		Name: name.Draw(t, "name"), From: "a", To: "b", Priority: rapid.IntRange(-5, 5).Draw(t, "priority"),
		Objective:   rapid.SampledFrom([]Objective{MinDelay, MinMetric, MinHops, Balance}).Draw(t, "objective"),
		OnViolation: rapid.SampledFrom([]OnViolation{Reroute, Alert, Block}).Draw(t, "onViolation"),
	}
	if rapid.Bool().Draw(t, "labelled") {
		text := rapid.String().Filter(func(s string) bool { return topology.CheckText(s) == nil })
		in.Labels = rapid.MapOf(text.Filter(func(s string) bool { return s != "" }), text).Draw(t, "labels")
	}
	if rapid.Bool().Draw(t, "traffic") {
		in.Traffic = []Selector{
			{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("0.0.0.0/0")},
			{netip.MustParsePrefix("::/0"), netip.MustParsePrefix("2001:db8::/32")},
		}
	}
	r := &in.Require
	r.Multiplicity = rapid.IntRange(1, maxMultiplicity).Draw(t, "multiplicity")
	kinds := rapid.SliceOfDistinct(rapid.SampledFrom([]Kind{Link, Node, SRLG, Site, Operator}), rapid.ID).Draw(t, "disjoint")
	r.Disjoint = builder{}.disjoint("", kinds, r.Multiplicity)
	quantity := rapid.Int64Range(0, 1e9)
	if r.Multiplicity > 1 {
		if r.Separation = topology.Distance(quantity.Draw(t, "separation")); r.Separation > 0 {
			r.SeparationExcept = topology.Distance(quantity.Draw(t, "except"))
		}
	}
	r.Bandwidth = topology.Bandwidth(quantity.Draw(t, "bandwidth"))
	r.MaxDelay = topology.Delay(quantity.Draw(t, "delay"))
	if rapid.Bool().Draw(t, "spread") {
		spread := topology.Delay(quantity.Draw(t, "maxDelaySpread"))
		r.MaxDelaySpread = &spread
	}
	r.MaxHops = rapid.IntRange(0, 20).Draw(t, "hops")
	switch rapid.IntRange(0, 3).Draw(t, "countries") {
	case 1:
		r.Countries.Allow = []string{"JP", "NO"}
	case 2:
		r.Countries.Deny = []string{"CN"}
	case 3:
		r.Countries = Countries{Allow: []string{"JP"}, Deny: []string{"KR"}}
	}
	r.Avoid = Avoid{Nodes: list("nodes"), Links: list("links"), SRLGs: list("srlgs"), Sites: list("sites"), Operators: list("operators")}
	if rapid.Bool().Draw(t, "predicates") {
		r.Nodes, _ = CompileNodes(`node.labels.vendor != "x" && node.evidence >= 2`)
		r.Links, _ = CompileLinks("link.qkd ||\n  'a: b' in link.srlgs")
	}
	r.Encryption = rapid.SampledFrom([]Encryption{NoEncryption, Classic, PQ, QKD}).Draw(t, "encryption")
	return in
}

func FuzzParse(f *testing.F) {
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(`{"apiVersion": "keiro/v1", "kind": "PathIntent", "metadata": {"name": "x"}, "spec": {"from": "a", "to": "b"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		intents, err := Parse("fuzz.yaml", data)
		if err != nil {
			_ = err.Error()
			return
		}
		text := Format(intents)
		again, err := Parse("again.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if string(Format(again)) != string(text) {
			t.Fatalf("not canonical:\n%s\n%s", text, Format(again))
		}
	})
}
