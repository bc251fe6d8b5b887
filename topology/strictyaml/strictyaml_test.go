package strictyaml

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sample has a field of every type that can be read.
type sample struct {
	APIVersion string            `json:"apiVersion,omitzero"`
	Kind       string            `json:"kind,omitzero"`
	Text       string            `json:"text,omitzero"`
	Number     int               `json:"number,omitzero"`
	Pointer    *int64            `json:"pointer,omitzero"`
	Float      float64           `json:"float,omitzero"`
	Bool       bool              `json:"bool,omitzero"`
	Word       word              `json:"word,omitzero"`
	Words      []word            `json:"words,omitzero" strict:"flow"`
	Map        map[string]string `json:"map,omitzero"`
	List       []item            `json:"list,omitzero" strict:"flow"`
	embedded
	Later    Value `json:"later,omitzero"`
	Ignored  chan int
	Required *item `json:"required,omitzero"`
}

type embedded struct {
	Inner string `json:"inner,omitzero"`
}

type item struct {
	Name string `json:"name" strict:"required"`
}

// word is a text of its own kind.
type word string

func (w *word) UnmarshalText(text []byte) error {
	if string(text) == "bad" {
		return errors.New("a bad word")
	}
	*w = word(text)
	return nil
}

func (w word) MarshalText() ([]byte, error) { return []byte(w), nil }

func decode(t *testing.T, text string, lenient bool) (sample, string) {
	t.Helper()
	docs, errs := read("f", []byte(text), lenient)
	var s sample
	for _, d := range docs {
		errs = append(errs, d.Decode(&s)...)
	}
	if err := errs.Err(); err != nil {
		return s, err.Error()
	}
	return s, ""
}

func TestDecode(t *testing.T) {
	const text = `
text: a b
number: -5
pointer: 0x10
float: 35.68
bool: true
word: 10Gbps
words: [a, 5, true]
map: {a: "1", "true": x, b: 'yes', c: no, d: 2026-11-23, e: 1:2}
list:
  - name: x
inner: of an embedded struct
later: [1, {a: b}]
`
	got, wrong := decode(t, text, false)
	if wrong != "" {
		t.Fatal(wrong)
	}
	var later []Value
	if errs := got.Later.Decode(&later); len(errs) > 0 || len(later) != 2 || !later[1].IsMapping() || later[1].Path() != "later[1]" || later[1].Line() != 13 {
		t.Errorf("later: %v %+v", errs, later)
	}
	got.Later = Value{}
	sixteen := int64(16)
	want := sample{
		Text: "a b", Number: -5, Pointer: &sixteen, Float: 35.68, Bool: true, Word: "10Gbps", Words: []word{"a", "5", "true"},
		Map:  map[string]string{"a": "1", "true": "x", "b": "yes", "c": "no", "d": "2026-11-23", "e": "1:2"},
		List: []item{{"x"}}, embedded: embedded{"of an embedded struct"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`text: 5`, `f:1: text: want a text, found the number 5: quote it`},
		{`text: true`, `f:1: text: want a text, found the boolean true: quote it`},
		{`text: .inf`, `f:1: text: want a text, found the number .inf: quote it`},
		{`text: {}`, `f:1: text: want a text, found a mapping`},
		{`text:`, `f:1: text: no value: give one or leave the key out`},
		{`list: ~`, `f:1: list: no value: give one or leave the key out`},
		{`number: 1.0`, `f:1: number: want a whole number, found the number 1.0`},
		{`number: "1"`, `f:1: number: want a whole number, found the text "1"`},
		{`number: 1_000`, `f:1: number: want a whole number, found the text "1_000"`},
		{`number: 010`, `f:1: number: bad number 010: the leading zero could mean octal`},
		{`number: 9223372036854775808`, `f:1: number: bad number 9223372036854775808: too large`},
		{`float: .nan`, `f:1: float: want a number, found the number .nan`},
		{`float: 1e999`, `f:1: float: want a number, found the number 1e999`},
		{`float: x`, `f:1: float: want a number, found the text "x"`},
		{`bool: yes`, `f:1: bool: want true or false, found the text "yes"`},
		{`bool: "true"`, `f:1: bool: want true or false, found the text "true"`},
		{`word: bad`, `f:1: word: a bad word`},
		{`word: [a]`, `f:1: word: want a text, found a list`},
		{`words: [a, bad]`, `f:1: words[1]: a bad word`},
		{`words: a`, `f:1: words: want a list, found the text "a"`},
		{`map: [a]`, `f:1: map: want a mapping, found a list`},
		{`map: {5: a}`, `f:1: map: want a key that is a text, found the number 5: quote it`},
		{`map: {a.b: 5}`, `f:1: map["a.b"]: want a text, found the number 5: quote it`},
		{`map: {~: a}`, `f:1: map: want a key, found nothing`},
		{`map: {[a]: a}`, `f:1: map: want a key, found a list`},
		{`map: {a: x, a: y}`, `f:1: map.a: the key stands twice: first on line 1`},
		{`list: [{}]`, `f:1: list[0].name: missing`},
		{`required: {nme: x}`, "f:1: required.nme: unknown key: did you mean name?\nf:1: required.name: missing"},
		{`Text: a`, `f:1: Text: unknown key: did you mean text?`},
		{`nothing like it: a`, `f:1: ["nothing like it"]: unknown key`},
		{`Ignored: 5`, `f:1: Ignored: unknown key`},
		{`text: &a x`, `f:1: text: anchors such as &a are not supported: write the value where it is used`},
		{"text: &a x\ninner: *a", "f:1: text: anchors such as &a are not supported: write the value where it is used\n" +
			"f:2: inner: aliases such as *a are not supported: write the value where it is used"},
		{`text: !!str 5`, `f:1: text: tags such as !!str are not supported`},
		{`map: {<<: {a: b}}`, `f:1: map: merge keys (<<) are not supported: write the values where they are used`},
		{`text`, `f:1: want a mapping, found the text "text"`},
		{`[text]`, `f:1: want a mapping, found a list`},
		{"text: a\nnumber: [", `f:3: not YAML: did not find expected node content`},
		{"text: a\n\ttext: b", `f:2: not YAML: found a tab character that violates indentation`},
		{"text: a\n\nmap: \x00", `f:3: not YAML: control characters are not allowed`},
		{"text: a\n\xff", `f:2: not YAML: invalid leading UTF-8 octet`},
		{"later: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), `f:1: later` + strings.Repeat("[0]", maxDepth-1) + `: nested more than 64 deep`},
		{"number: x\n---\ntext: 5\n---\ntext: [", "f:1: number: want a whole number, found the text \"x\"\nf:3: text: want a text, found the number 5: quote it\n" +
			"f:6: not YAML: did not find expected node content"},
		{`{"text": "\ud83d"}`, `f: not YAML: found invalid Unicode character escape code`},
	} {
		if _, got := decode(t, c.text, false); got != c.want {
			t.Errorf("%.80q:\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	got, wrong := decode(t, "{\n\t\"text\": \"a\\/b\\n\\ud83d\\uDE00\\\\ud83d\",\n\t\"words\": [\"\\u6771\"],\r\n \"number\" : 5 }", false)
	if want := (sample{Text: "a/b\n😀\\ud83d", Words: []word{"東"}, Number: 5}); wrong != "" || !reflect.DeepEqual(got, want) {
		t.Errorf("%s\ngot  %+v\nwant %+v", wrong, got, want)
	}
}

func TestLenient(t *testing.T) {
	for _, c := range []struct {
		text string
		want sample
	}{
		{`text: 5`, sample{Text: "5"}},
		{`{text: , list: ~, number: null}`, sample{}},
		{`bool: yes`, sample{Bool: true}},
		{`map: {5: true, x: }`, sample{Map: map[string]string{"5": "true", "x": ""}}},
		{"text: &a x\ninner: *a", sample{Text: "x", embedded: embedded{"x"}}},
		{`{text: &a inner, *a : y}`, sample{Text: "inner", embedded: embedded{"y"}}},
		{`{list: [&m {name: x}], required: {<<: *m}}`, sample{List: []item{{"x"}}, Required: &item{"x"}}},
		{`map: {<<: [{a: 1}, {a: 2, b: 3}], c: 4, b: 5}`, sample{Map: map[string]string{"a": "1", "b": "5", "c": "4"}}},
	} {
		got, wrong := decode(t, c.text, true)
		if wrong != "" || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %s\ngot  %+v\nwant %+v", c.text, wrong, got, c.want)
		}
	}
	for text, want := range map[string]string{
		`map: {<<: 5}`:         `f:1: map: << wants a mapping or a list of mappings, found the number 5`,
		`later: &a [*a]`:       `f:1: later[0][0]: *a holds itself`,
		`bool: "yes"`:          `f:1: bool: want true or false, found the text "yes"`,
		"later: {a: 1,\na: 2}": `f:2: later.a: the key stands twice: first on line 1`,
	} {
		if _, got := decode(t, text, true); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	docs, errs := Documents("f", []byte("a:\n  b:\n    - x\n    - c: 1\n      d.e: 2\n  \"[0]\": 3\n"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for path, want := range map[string]int{
		"": 1, "a": 1, "a.b": 2, "a.b[0]": 3, "a.b[1]": 4, "a.b[1].c": 4, `a.b[1]["d.e"]`: 5, `a["[0]"]`: 6,
		"a.b[1].missing": 4, "a.b[9]": 2, "missing.b": 1, "a.b[1].c.d.e": 4, `a["`: 1, "a..b": 1, "a[x]": 1, "[": 1, "a.b[-1]": 2,
	} {
		if got := docs[0].Line(path); got != want {
			t.Errorf("%s: got line %d, want %d", path, got, want)
		}
	}
	if got := docs[0].Errorf("a.b[1].c", "bad %d", 1).Error(); got != "f:4: a.b[1].c: bad 1" {
		t.Error(got)
	}
}

func TestErrorsAreSortedAndBounded(t *testing.T) {
	var errs Errors
	if errs.Err() != nil {
		t.Error("no mistakes are an error")
	}
	for i := range 3 * maxErrors {
		errs.Add(Error{File: "f", Line: 1000 - i, Msg: "x"})
	}
	lines := strings.Split(errs.Err().Error(), "\n")
	if len(lines) != maxErrors+1 || lines[0] != fmt.Sprintf("f:%d: x", 1000-maxErrors) || lines[maxErrors] != "f: there are more errors" {
		t.Errorf("got %d lines, %q first, %q last", len(lines), lines[0], lines[len(lines)-1])
	}
}

func TestSelect(t *testing.T) {
	docs, errs := Documents("f", []byte("{apiVersion: v1, kind: A}\n---\n\n---\n{apiVersion: v1, kind: B}\n---\n{apiVersion: v1, kind: C}\n---\n{kind: A}\n---\n{apiVersion: v2, kind: A}\n"))
	got, more := Select(docs, "v1", "A", "B")
	want := "f:7: kind: unknown kind \"C\": want A or B\nf:9: apiVersion: missing: want v1\nf:11: apiVersion: unknown version \"v2\": want v1"
	if err := append(errs, more...).Err(); len(got) != 1 || err == nil || err.Error() != want {
		t.Errorf("got %d documents, %v", len(got), err)
	}
}

// What Marshal writes, Decode reads: in one line or in many.
func TestMarshalRoundTrip(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "~", "null", "true", "no", "y", "1", "0x1", "1e3", ".inf", "-", "- a", "a: b", "#", "a #b", "<<", "=", "!", "&a", "*a", "%", "@", "`", "'", `"`,
		"a\nb", "\n", " a", "a ", "a\n ", "\ta", "\u0085", "\u2028", "\ufeff", "---", "...", "? a", "|", ">", "{}", "[]", ",", "経路", "2026-11-23",
	}))
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64().Draw(t, "pointer")
		want := sample{
			APIVersion: text.Draw(t, "apiVersion"), Kind: text.Draw(t, "kind"), Text: text.Draw(t, "text"), Number: rapid.Int().Draw(t, "number"),
			Pointer: &number, Float: rapid.Float64().Draw(t, "float"), Bool: rapid.Bool().Draw(t, "bool"),
			Words: []word{word(text.Draw(t, "word")), "x"}, Map: map[string]string{text.Draw(t, "key"): text.Draw(t, "value")},
			List: []item{{text.Draw(t, "item")}}, Required: &item{text.Draw(t, "required")},
		}
		if want.Words[0] == "bad" {
			want.Words = nil
		}
		written := Marshal(want)
		docs, errs := Documents("f", written)
		if len(errs) > 0 || len(docs) != 1 {
			t.Fatalf("%d documents, %v\n%s", len(docs), errs, written)
		}
		var got sample
		if errs := docs[0].Decode(&got); len(errs) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v\n%s", errs, got, want, written)
		}
	})
}

func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"text: a\nlist: [{name: x}]\n---\nmap: {a: b}\n", `{"text": "a", "later": [1, 2.5, null, true]}`, "a: &a {b: *a}\n<<: *a", "? [a]\n: b", "\xff\xfea\x00", "|\n a", "%YAML 1.1\n---\na: !!binary x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, lenient := range []bool{false, true} {
			docs, errs := read("f", data, lenient)
			for _, d := range docs {
				var s sample
				errs = append(errs, d.Decode(&s)...)
				if d.Line(d.Kind) < 0 {
					t.Error("a line below 0")
				}
			}
			if err := errs.Err(); err != nil {
				_ = err.Error()
			}
		}
	})
}
