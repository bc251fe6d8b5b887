package ls

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
)

// TestCaptures reads what routers and other implementations wrote.
func TestCaptures(t *testing.T) { codectest.Golden(t, readCapture) }

// capture is the octets of a golden file.
func capture(t testing.TB, name string, a *txtar.Archive) (nlris, attribute []byte) {
	b := codectest.Octets(t, string(a.Files[0].Data))
	switch a.Files[0].Name {
	case "nlris.hex":
		return b, nil
	case "attribute.hex":
		return nil, b
	}
	return update(t, b)
}

func readCapture(t *testing.T, name string, a *txtar.Archive) string {
	nlris, attribute := capture(t, name, a)
	var s strings.Builder
	routes, faults := DecodeNLRIs(nlris, Family{})
	var again []byte
	of := NodeType // of an attribute without an NLRI the file's name says it
	for word, t := range map[string]NLRIType{"link": LinkType, "prefix": IPv6PrefixType, "sid": SRv6SIDType} {
		if strings.Contains(name, word+"-") {
			of = t
		}
	}
	for _, r := range routes {
		of = r.NLRI.Type()
		fmt.Fprintf(&s, "# %v\n%s", r.NLRI, dump(r.NLRI))
		var err error
		if again, err = AppendNLRI(again, r.NLRI); err != nil {
			t.Error(err)
		}
	}
	if len(faults) == 0 && !slices.Equal(again, nlris) {
		t.Errorf("the NLRIs come back as\n%x\nnot as\n%x", again, nlris)
	}
	for _, f := range faults {
		fmt.Fprintf(&s, "fault: %v\n", f)
	}
	if attribute == nil {
		return s.String()
	}
	got, faults := DecodeAttribute(attribute, of)
	fmt.Fprintf(&s, "# attribute\n%s", dump(got))
	for _, f := range faults {
		fmt.Fprintf(&s, "fault: %v\n", f)
	}
	stable(t, attribute, of)
	return s.String()
}
