package topology

import (
	"os"
	"testing"
)

func TestLines(t *testing.T) {
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, lines, err := ParseLines("full.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind, name, field string
		line              int
	}{
		{"site", "oslo", "", 9},
		{"site", "oslo", "country", 10},
		{"node", "tyo1", "labels.rack", 13},
		{"node", "x", "operator", 15},
		{"link", "main", "delay", 22},
		{"link", "main", "ba.delay", 30},
		{"link", "main", "derived", 17}, // stated nowhere: the entry
		{"link", "tyo1--x", "", 31},
		{"link", "tyo1--x", "delay", 6},    // from defaults
		{"link", "tyo1--x#2", "delay", 32}, // its own
		{"srlg", "north-pole", "number", 44},
		{"link", "nowhere", "delay", 0},
		{"node", "main", "", 0},
	} {
		if line := lines.Of(c.kind, c.name, c.field); line != c.line {
			t.Errorf("%s %s %s: line %d, want %d", c.kind, c.name, c.field, line, c.line)
		}
	}
	if line := lines.List("link"); line != 16 {
		t.Errorf("links: line %d", line)
	}
}
