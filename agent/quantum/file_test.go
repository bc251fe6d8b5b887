package quantum

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is wrong with a description names file and field, all of it at once.
func TestFile(t *testing.T) {
	good := `"url": "https://kme:1", "kme": "k", "ca": "ca.pem", "certificate": "c.pem", "key": "k.pem"`
	for text, want := range map[string]string{
		``:                                   "kme.json: not JSON: it ends too early",
		`{`:                                  "kme.json: not JSON: it ends too early",
		`{}`:                                 "kme.json: url: is missing\nkme.json: kme: is missing\nkme.json: ca: is missing\nkme.json: certificate: is missing\nkme.json: key: is missing",
		`{` + good + `}`:                     "",
		`[]`:                                 "kme.json: : want quantum.File, found array",
		`{` + good + `, "uri": ""}`:          `kme.json: unknown field "uri"`,
		`{` + good + `, "get": "yes"}`:       "kme.json: get: want bool, found string",
		`{` + good + `, "kme": "k"}`:         "kme.json: kme: is there twice",
		`{` + good + `, "URL": "https://x"}`: `kme.json: unknown field "URL"`,
		`{` + good + `, "\u212ame": "x"}`:    "kme.json: unknown field \"Kme\"", // KELVIN SIGN, which folds to k
		`{` + good + `} {}`:                  "kme.json: something follows",
		`{` + good + `, "peers": {"a": "1", "A": "2"}}`: "", // two nodes
		`{` + good + `, "low": "soon"}`:                 `kme.json: low: bad time "soon": want one such as 30m`,
		`{` + good + `, "poll": "-1s"}`:                 `kme.json: poll: bad time "-1s": want one such as 30m`,
		`{` + good + `, "peers": {"a": ""}}`:            "kme.json: peers.a: want the name of a node and its SAE ID",
		`{` + good + `, "peers": {"a": "1", "a": "2"}}`: "kme.json: a: is there twice",
		`{` + good + `, "peers": [{"a": 1}]}`:           "kme.json: peers: want map[string]string, found array",
	} {
		_, err := parse("kme.json", []byte(text))
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}

// What a description names must be there and be good.
func TestLoad(t *testing.T) {
	s := newSite(t)
	name := filepath.Join(s.dir, "kme.json")
	try := func() error {
		f, err := Load(name, "tyo1")
		if err == nil {
			_, err = New(Options{File: f, Interval: time.Minute, Log: slog.New(slog.DiscardHandler)})
		}
		return err
	}
	if err := try(); err != nil {
		t.Fatal(err)
	}
	base := map[string]any{}
	data, _ := os.ReadFile(name)
	if err := json.Unmarshal(data, &base); err != nil {
		t.Fatal(err)
	}
	for field, c := range map[string]struct {
		value any
		want  string
	}{
		"url":         {"http://kme", "kme.json: qkd: bad URL of the KME: want https://host[:port]"},
		"ca":          {"sae.key", "kme.json: ca: no certificate in "},
		"certificate": {"none.pem", "kme.json: certificate, key: open "},
		"low":         {"2h", ""},
		"enough":      {"1m", "kme.json: low, enough: level: Enough must be more than Low"},
	} {
		changed := maps.Clone(base)
		changed[field] = c.value
		s.describe(t, changed)
		if err := try(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", field, err, c.want)
		}
	}
	if _, err := Load(filepath.Join(s.dir, "away.json"), "tyo1"); err == nil || !strings.Contains(err.Error(), "away.json") {
		t.Errorf("no file: %v", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"url": "https://kme:1", "kme": "k", "ca": "ca", "certificate": "c", "key": "k", "peers": {"a": "b"}, "low": "30m"}`))
	f.Add([]byte(`{"peers": [[{}], {"a": {}}]}`))
	f.Add([]byte(`{"url": "https://kme:1", "URL": "https://other", "kme": "k", "ca": "ca", "certificate": "c", "key": "k"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if file, err := parse("f", data); err == nil && (file.URL == "" || file.Key == "" || file.low < 0) {
			t.Errorf("%q is taken: %+v", data, file)
		} else if err == nil {
			var keys map[string]any
			if json.Unmarshal(data, &keys) != nil {
				t.Fatalf("%q is taken and is no object", data)
			}
			for key := range keys {
				if key != strings.ToLower(key) {
					t.Errorf("%q is taken with key %q", data, key)
				}
			}
		}
	})
}
