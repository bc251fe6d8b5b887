package nodecfg

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// A controller cannot make an agent compare for long, nor write much: what is
// too much is refused before it is looked at.
func TestBounds(t *testing.T) {
	sized := func(policies, selectors int) *Config {
		c := &Config{Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48"), Policies: make([]Policy, policies)}
		for i := range c.Policies {
			c.Policies[i] = Policy{Intent: fmt.Sprint(i), ID: uint16(i + 1)}
		}
		one := Selector{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16")}
		for range selectors {
			p := &c.Policies[0]
			p.Traffic = append(p.Traffic, one)
		}
		return c
	}
	if err := sized(maxPolicies, maxSelectors).Validate(); err != nil {
		t.Errorf("as much as there may be: %.200s", err)
	}
	for want, c := range map[string]*Config{
		"policies: 10000 are more than 9999":                       sized(maxPolicies+1, 0),
		"policies: 19999 selectors of traffic are more than 19998": sized(2, maxSelectors+1),
	} {
		if err := c.Validate(); err == nil || err.Error() != want {
			t.Errorf("%.200v, want %s", err, want)
		}
	}
	wrong, word := sized(maxPolicies, 0), strings.Repeat("\u00e9", 1<<16)
	for i := range wrong.Policies {
		wrong.Policies[i].Intent, wrong.Policies[i].Encryption = "x", word
	}
	err := wrong.Validate()
	if err == nil || len(err.Error()) > maxErrors*(maxError+10)+100 {
		t.Fatalf("an error of %d bytes", len(fmt.Sprint(err)))
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxErrors+1 || !strings.HasPrefix(lines[maxErrors], "and ") {
		t.Errorf("%d lines, the last one %.80q", len(lines), lines[len(lines)-1])
	}
}

// FuzzConfig: a Config that is taken leads to a State without contradiction,
// one that is not leads to an error of bounded size, and neither to a panic.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no plays: %v", err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range ar.Files {
			if strings.HasSuffix(part.Name, ".json") {
				f.Add(part.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Config
		if json.Unmarshal(b, &c) != nil {
			return
		}
		if err := c.Validate(); err != nil {
			if len(err.Error()) > maxErrors*(maxError+10)+100 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		state := make(State)
		want := c.Desired(nil)
		for _, op := range Plan(state, want) {
			state.Apply(op)
		}
		if state.String() != want.String() {
			t.Errorf("planned\n%s\nwant\n%s", state, want)
		}
	})
}

// A selector that takes in packets of a tunnel is found, by each of the SIDs that
// they may go to and in the whole locator of the tail, and no other one is.
func TestSteersItself(t *testing.T) {
	for to, want := range map[string]bool{
		"::/0": true, "5f00:0:2:6::/64": true, "5f00:0:2:ffff::/64": true, "5f00:0:3:4001::/128": true, "fcbb:0:9:4::/64": true,
		"5f00:0:3:4002::/64": false, "5f00:0:4::/48": false, "2001:db8::/32": false, "ffff::/16": false,
	} {
		c := &Config{Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48"), Policies: []Policy{
			{Intent: "x", ID: 1, Paths: []Path{{Tail: netip.MustParsePrefix("5f00:0:2::/48"), Segments: []netip.Addr{netip.MustParseAddr("5f00:0:3:4001::")}}}},
			{Intent: "y", ID: 2, Paths: []Path{{Decap: Decap{IPv4: netip.MustParseAddr("fcbb:0:9:4::")}}}},
		}}
		v := validator{}
		if got := v.steersItself(c, Selector{From: netip.MustParsePrefix("::/0"), To: netip.MustParsePrefix(to)}); got != want {
			t.Errorf("to %s: %v", to, got)
		}
		if v.steersItself(c, Selector{From: netip.MustParsePrefix("2001:db8::/32"), To: netip.MustParsePrefix(to)}) {
			t.Errorf("to %s, from elsewhere", to)
		}
	}
}
