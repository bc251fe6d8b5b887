package ls

import (
	"bytes"
	"reflect"
	"testing"
)

// stable checks what holds of every attribute that can be read: written and
// read again it is the same, and written again it is the same octets.
func stable(t testing.TB, b []byte, of NLRIType) {
	t.Helper()
	a, faults := DecodeAttribute(b, of)
	if (a == nil) != (faults.Worst() == DiscardAttribute) {
		t.Fatalf("attribute %v with faults %v", a, faults)
	}
	if a == nil {
		return
	}
	once, err := AppendAttribute(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	back, _ := DecodeAttribute(once, of)
	if !reflect.DeepEqual(back, a) {
		t.Fatalf("attribute %x is\n%s\nand comes back as\n%s", b, dump(a), dump(back))
	}
	if twice, _ := AppendAttribute(nil, back); !bytes.Equal(once, twice) {
		t.Fatalf("written as\n%x\nthen as\n%x", once, twice)
	}
}
