package output

import (
	"bytes"
	"errors"
	"testing"
)

var data = map[string]any{"change": "20ms -> 21ms", "cost": 7}

func show(t *Text) {
	table := &Table{Heads: []string{"NAME", "STATUS", "PATH"}, Wide: []string{"COST"}}
	table.Add("zürich", "satisfied", "a b", "7")
	table.Add("", "", "a c b", "")
	table.Add("long-name", "unknown", "", "12")
	t.Table(table)
}

func TestPrint(t *testing.T) {
	for _, c := range []struct {
		name   string
		format Format
		colour bool
		want   string
	}{
		{"table", TableFormat, false, `
NAME        STATUS      PATH
zürich      satisfied   a b
                        a c b
long-name   unknown
`},
		{"wide", Wide, false, `
NAME        STATUS      PATH    COST
zürich      satisfied   a b     7
                        a c b
long-name   unknown             12
`},
		{"colour", TableFormat, true, `
NAME        STATUS      PATH
zürich      ` + "\x1b[32msatisfied\x1b[0m" + `   a b
                        a c b
long-name   ` + "\x1b[33munknown\x1b[0m" + `
`},
		{"json", JSON, true, `
{
  "change": "20ms -> 21ms",
  "cost": 7
}
`},
		{"yaml", YAML, true, `
change: 20ms -> 21ms
cost: 7
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := (Printer{&out, c.colour}).Print(c.format, data, show); err != nil || out.String() != c.want[1:] {
				t.Errorf("%v\ngot\n%s\nwant%s", err, out.String(), c.want)
			}
		})
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestPrintTellsWhatFailed(t *testing.T) {
	if err := (Printer{Out: full{}}).Print(JSON, data, show); !errors.Is(err, errFull) {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := (Printer{Out: &out}).Print(YAML, func() {}, show); err == nil || out.Len() > 0 {
		t.Errorf("%v, wrote %q", err, out.String())
	}
}

func TestFormatFlag(t *testing.T) {
	f := TableFormat
	if err := f.Set("json"); err != nil || f != JSON || f.String() != "json" {
		t.Error(f, err)
	}
	if err := f.Set("xml"); err == nil || f != JSON {
		t.Error(f, err)
	}
	if f.Type() != "table|wide|json|yaml" {
		t.Error(f.Type())
	}
}
