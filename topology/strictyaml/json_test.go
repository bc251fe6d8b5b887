package strictyaml

import "testing"

func TestFromJSON(t *testing.T) {
	const in = `{"b":"1","a":1,"n":null,"list":[],"paths":[{"x":"a -> b","ok":true},{"x":"経路"}],"none":{}}`
	const want = `b: "1"
a: 1
n: null
list: []
paths:
  - x: a -> b
    ok: true
  - x: "経路"
none: {}
`
	got, err := FromJSON([]byte(in))
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%swant\n%s", err, got, want)
	}
	if _, err := FromJSON([]byte(`{"a":`)); err == nil {
		t.Error("half a document is accepted")
	}
}
