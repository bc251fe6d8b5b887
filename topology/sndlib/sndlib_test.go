package sndlib

import (
	"bytes"
	"os"
	"testing"

	"github.com/keiro-net/keiro/topology/foreign"
	"github.com/keiro-net/keiro/topology/foreign/foreigntest"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func load(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestImport(t *testing.T) {
	for _, c := range []struct {
		file, golden string
		options      Options
	}{
		{"small.xml", "small.golden", Options{}},
		{"small.xml", "largest.golden", Options{Module: Largest, Unit: 1e9, Demands: true}},
		{"small.xml", "smallest.golden", Options{Module: Smallest, Demands: true}},
		{"small.txt", "native.golden", Options{Module: Smallest, Demands: true}},
	} {
		t.Run(c.golden, func(t *testing.T) {
			imported, err := Import(c.file, load(t, c.file), c.options)
			if err != nil {
				t.Fatal(err)
			}
			foreigntest.ReadBack(t, imported)
			foreigntest.Golden(t, "testdata/"+c.golden, c.file, imported, true)
		})
	}
}

// Without a unit in the file, capacities are numbers of nothing; coordinates
// are those of a drawing unless the file says that they are not.
func TestUnstated(t *testing.T) {
	xml := bytes.Replace(load(t, "small.xml"), []byte("<unit>MBITPERSEC</unit>"), nil, 1)
	xml = bytes.Replace(xml, []byte(` coordinatesType="geographical"`), nil, 1)
	native := bytes.Replace(load(t, "small.txt"), []byte("unit = MBITPERSEC"), nil, 1)
	native = bytes.Replace(native, []byte("139.77 35.68"), []byte("139.77 350.68"), 1)
	for _, data := range [][]byte{xml, native} {
		imported, err := Import("unstated", data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range imported.Topology.Links {
			if l.Capacity.Known() || l.Delay.Known() {
				t.Errorf("known: %+v", l)
			}
		}
		if len(imported.Topology.Sites) > 0 {
			t.Errorf("sites of pixels: %+v", imported.Topology.Sites)
		}
	}
}

func TestErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Import(file, data, Options{Demands: true})
		return err
	})
}

// What is made to cost the most ends, and soon.
func TestHostile(t *testing.T) {
	const first = "?SNDlib native format\n"
	for _, c := range []struct{ begin, part string }{
		{first, "("},
		{first, "x(x(x)"},
		{first + "NODES(", "a(1 1)"},
		{first + "META(", "unit="},
		{first + "LINKS(", "L(a b)1 1 1 1(1 1)"},
		{"<network><networkStructure><links>", "<link/>"},
		{"<network><demands>", "<demand/>"},
	} {
		data := append([]byte(c.begin), bytes.Repeat([]byte(c.part), 1<<20/len(c.part))...)
		if _, err := Import("hostile", data, Options{Demands: true}); err == nil {
			t.Errorf("%s%s: no error", c.begin, c.part)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add(load(f, "small.xml"), uint8(0))
	f.Add(load(f, "small.txt"), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, bits uint8) {
		options := Options{Module: Module(bits & 3 % 3), Demands: bits&4 > 0}
		if bits&8 > 0 {
			options.Unit = 1e6
		}
		var imported *foreign.Import
		var err error
		if imported, err = Import("fuzz", data, options); err == nil {
			foreigntest.ReadBack(t, imported)
		}
	})
}
