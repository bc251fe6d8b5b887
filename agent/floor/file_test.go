package floor

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

func kept() Floors {
	return Floors{Intents: []Floor{
		{Intent: "gold", Traffic: []Traffic{{prefix("10.1.0.0/16"), prefix("10.2.0.0/16"), "pq"}, {prefix("2001:db8:1::/48"), prefix("2001:db8:2::/48"), "qkd"}}},
		{Intent: "silver", Lowered: time.Unix(1e9, 0).UTC()},
	}}
}

// What was written is read; what was changed, or is another node's, is not.
func TestFile(t *testing.T) {
	b := kept().Encode("n1")
	for _, node := range []string{"n1", ""} {
		if f, err := Decode(node, b); err != nil || !f.Equal(kept()) {
			t.Errorf("read %+v, %v", f, err)
		}
	}
	unordered := kept()
	unordered.Intents[0], unordered.Intents[1] = unordered.Intents[1], unordered.Intents[0]
	weak := kept()
	weak.Intents[0].Traffic[0].Level = "none"
	for want, b := range map[string][]byte{
		"checksum":               []byte(strings.Replace(string(b), "10.1.0.0/16", "10.9.0.0/16", 1)),
		"version 2":              []byte(strings.Replace(string(b), `"version": 1`, `"version": 2`, 1)),
		"not readable: unexpect": b[:len(b)/2],
		"not readable: EOF":      nil,
		"something follows":      append(b[:len(b):len(b)], b...),
		`of node "n2"`:           kept().Encode("n2"),
		"gold): out of order":    unordered.Encode("n1"),
		"out of range":           weak.Encode("n1"),
		"unknown field":          []byte(strings.Replace(string(b), `"floors"`, `"roofs"`, 1)),
	} {
		if _, err := Decode("n1", b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(kept().Encode("n1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		floors, err := Decode("n1", b)
		if err != nil {
			return
		}
		back, err := Decode("n1", floors.Encode("n1"))
		if err != nil || !back.Equal(floors) {
			t.Errorf("read %+v, wrote and read %+v, %v", floors, back, err)
		}
		if _, err := floors.Fences(new(nodecfg.Config)); err != nil {
			t.Error(err)
		}
	})
}

// A controller cannot fill disk and kernel with floors.
func TestTooMuch(t *testing.T) {
	many := func(encryption string, n, bits int) *nodecfg.Config {
		p := nodecfg.Policy{Intent: "many" + encryption, ID: 1, Encryption: encryption}
		for i := range n {
			from, _ := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).Prefix(bits)
			p.Traffic = append(p.Traffic, nodecfg.Selector{From: from, To: prefix("10.2.0.0/16"), Pref: uint16(i)})
		}
		return &nodecfg.Config{Policies: []nodecfg.Policy{p}}
	}
	f, err := Floors{}.Raise(many("pq", maxTraffic, 32))
	if err != nil {
		t.Fatal(err)
	}
	if same, err := f.Raise(many("pq", maxTraffic+1, 32)); err == nil || !strings.Contains(err.Error(), "more than 9999 selectors") || !same.Equal(f) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := f.Fences(many("", 3, 8)); err == nil || !strings.Contains(err.Error(), "more than 19998 rules") {
		t.Errorf("too many fences: %v", err)
	}
}
