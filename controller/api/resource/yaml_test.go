package resource

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestYAML(t *testing.T) {
	in := `{"kind":"Topology","spec":{"nodes":[{"name":"yes","locator":"5f00:0:1::/48","delay":"2.6ms","labels":{},"at":"12:30"}],` +
		`"n":"007","metric":10,"lat":35.68,"qkd":true,"none":null,"text":"a\nb \ud83d\ude00","list":[]}}`
	want := `kind: Topology
spec:
  nodes:
    - name: "yes"
      locator: "5f00:0:1::/48"
      delay: 2.6ms
      labels: {}
      at: "12:30"
  "n": "007"
  metric: 10
  lat: 35.68
  qkd: true
  none: null
  text: "a\nb \U0001F600"
  list: []
`
	got, err := YAML([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestYAMLRefuses(t *testing.T) {
	for _, in := range []string{"", "{", `{"a":`, "[1", strings.Repeat("[", 1000)} {
		if out, err := YAML([]byte(in)); err == nil {
			t.Errorf("YAML(%.20q) = %q, want an error", in, out)
		}
	}
}

// What is written means what was read.
func FuzzYAML(f *testing.F) {
	f.Add(`{"a":[1,-2.5e3,"x: y",null,true,{"":"- #"}],"b":"\u0000\u2028"}`)
	f.Add(`100000000000000000000`)
	f.Add(`["~","0x1F","1_000","2001-01-01","<<","="]`)
	f.Fuzz(func(t *testing.T, in string) {
		var want any
		if json.Unmarshal([]byte(in), &want) != nil {
			return
		}
		out, err := YAML([]byte(in))
		if err != nil {
			return
		}
		var got any
		if err := yaml.Unmarshal(out, &got); err != nil {
			if strings.Contains(err.Error(), "already defined") {
				return // JSON allows a key twice
			}
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		// Through JSON, so that numbers are alike.
		again, err := json.Marshal(got)
		if err != nil {
			return
		}
		var back any
		if err := json.Unmarshal(again, &back); err != nil || !reflect.DeepEqual(back, want) {
			t.Fatalf("%q became %q, which is %s", in, out, again)
		}
	})
}
