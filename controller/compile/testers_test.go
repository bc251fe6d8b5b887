package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// TestTesters: the ends of a path have one key, which no other pair has; who is
// in between has none, and neither has anybody when nothing is to be measured.
func TestTesters(t *testing.T) {
	secret := nodecfg.TestKey(bytes.Repeat([]byte{1}, nodecfg.TestKeyLen))
	measured := func(in *Input) {
		in.Secret, in.Probe = secret, nodecfg.Probe{Interval: time.Millisecond, Lost: 3, Back: 3, Measure: 100 * time.Millisecond}
		in.Policies[0].MaxDelay, in.MaxLossPPM = 20*time.Millisecond, 1000
		in.IDs.Intents["near"] = 2
		in.Policies = append(in.Policies, Policy{
			Intent: "near", Paths: []pathspec.Path{{Nodes: []string{"b", "c"}, Links: []string{"b--c"}}}, Serving: []bool{true}, Ends: []End{{Node: "b"}}, MaxLossPPM: 7,
		})
	}
	configs := compiled(t, measured)
	names := func(cfg *nodecfg.Config) (out string) {
		for _, p := range cfg.Testers {
			out += p.Node
		}
		return out
	}
	for n, want := range []string{"c", "c", "ab"} {
		if got := names(configs[n]); got != want {
			t.Errorf("%s tests with %q, want %q", configs[n].Node, got, want)
		}
	}
	a, b, c := configs[0].Testers[0], configs[1].Testers[0], configs[2].Testers
	if !bytes.Equal(a.Key, c[0].Key) || !bytes.Equal(b.Key, c[1].Key) || bytes.Equal(a.Key, b.Key) || bytes.Equal(a.Key, secret) {
		t.Errorf("keys of a and c, b and c: %x %x, %x %x", []byte(a.Key), []byte(c[0].Key), []byte(b.Key), []byte(c[1].Key))
	}
	if a.Locator != configs[2].Locator || c[0].Locator != configs[0].Locator {
		t.Errorf("locators %v, %v", a.Locator, c[0].Locator)
	}
	gold, near := configs[0].Policies[0].Paths[0], configs[1].Policies[0].Paths[0]
	if gold.MaxDelay != 20*time.Millisecond || gold.MaxLossPPM != 1000 || near.MaxDelay != 0 || near.MaxLossPPM != 7 {
		t.Errorf("bounds %v %d, %v %d", gold.MaxDelay, gold.MaxLossPPM, near.MaxDelay, near.MaxLossPPM)
	}
	for name, edit := range map[string]func(*Input){
		"no secret":     func(in *Input) { measured(in); in.Secret = nil },
		"not measured":  func(in *Input) { measured(in); in.Probe.Measure = 0 },
		"no path there": func(in *Input) { measured(in); in.Policies[0].Serving[0], in.Policies[1].Serving[0] = false, false },
	} {
		for _, cfg := range compiled(t, edit) {
			if len(cfg.Testers) > 0 {
				t.Errorf("%s: %s tests with %q", name, cfg.Node, names(cfg))
			}
		}
	}
}

// TestPairKeyVector was computed with RFC 5869 by other means (Python's hmac).
func TestPairKeyVector(t *testing.T) {
	key := pairKey(bytes.Repeat([]byte{1}, nodecfg.TestKeyLen), "a", "c")
	if got := fmt.Sprintf("%x", []byte(key)); got != vectorAC {
		t.Errorf("got %s", got)
	}
	if bytes.Equal(pairKey(key, "ab", "c"), pairKey(key, "a", "bc")) {
		t.Error("names are not framed")
	}
}

// TestTestKeyIsNotShown: in no text, but in the Config that the agent reads.
func TestTestKeyIsNotShown(t *testing.T) {
	key := nodecfg.TestKey(bytes.Repeat([]byte{0xa7}, nodecfg.TestKeyLen))
	cfg := nodecfg.Config{Node: "a", Testers: []nodecfg.Tester{{Node: "b", Key: key}}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "cfg", cfg)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key)
	text := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
		text += fmt.Sprintf(verb+verb+verb, key, cfg, cfg.Testers)
	}
	for _, leak := range []string{"a7", "A7", "167", "p6en", "\\xa7", "\xa7"} {
		if strings.Contains(text, leak) {
			t.Errorf("%q is in %s", leak, text)
		}
	}
	wire, err := json.Marshal(cfg)
	var back nodecfg.Config
	if err != nil || json.Unmarshal(wire, &back) != nil || !bytes.Equal(back.Testers[0].Key, key) {
		t.Errorf("the agent gets %s, %v", wire, err)
	}
}

const vectorAC = "f25f5be7e2b99cf378c6f67d87c0af2dc82bbe6df5166063aaebd11cc45dff67"
