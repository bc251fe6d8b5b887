package probe

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

var (
	testHome = netip.MustParseAddr("5f00:0:1::1")
	testSIDs = []netip.Addr{
		netip.MustParseAddr("5f00:0:2:8001::"), netip.MustParseAddr("5f00:0:2:4001::"), netip.MustParseAddr("5f00:0:1:6::"),
	}
)

// testPacket is a probe on the wire.
func testPacket(t testing.TB, s *stamp.Sealer) []byte {
	t.Helper()
	p, err := wire.New(wire.Spec{Source: testHome, To: testHome, SIDs: testSIDs, From: 50000, At: 50000, Size: stamp.Len})
	if err != nil {
		t.Fatal(err)
	}
	s.Seal(p.Payload(), stamp.Test{Sequence: 5, SSID: 1})
	p.Seal()
	return p.Bytes()
}

// quote is an error about a packet.
func quote(kind, code byte, p []byte) []byte {
	return append([]byte{kind, code, 0, 0, 0, 0, 0, 0}, p...)
}

func TestParseError(t *testing.T) {
	s := newSealer()
	p := testPacket(t, s)
	// After End.DT6 the node that ends the way has the inner packet only.
	inner := p[len(p)-stamp.Len-wire.UDPLen-wire.IPv6Len:]
	plain := append(append([]byte{}, p[:wire.IPv6Len]...), inner...)
	plain[6] = wire.ProtoIPv6
	for _, c := range []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"time exceeded", quote(3, 0, p), true},
		{"unreachable", quote(1, 3, p), true},
		{"parameter problem", quote(4, 0, p), true},
		{"without SRH, after PSP", quote(3, 0, plain), true},
		{"too big", quote(2, 0, p), false},
		{"echo reply", quote(129, 0, p), false},
		{"padded", quote(3, 0, append(append([]byte{}, p...), 0, 0)), true},
		{"cut", quote(3, 0, p[:len(p)-1]), false},
		{"not encapsulated", quote(3, 0, inner), false},
		{"empty", nil, false},
	} {
		_, test, ok := parseError(c.b)
		if ok != c.ok {
			t.Errorf("%s: ok %v", c.name, ok)
		}
		if _, authentic := s.Open(test); ok && !authentic {
			t.Errorf("%s: test packet not found: %x", c.name, test)
		}
	}
}

// FuzzParseError: no message makes it read beyond the end or find what is not
// there.
func FuzzParseError(f *testing.F) {
	p := testPacket(f, newSealer())
	for n := 0; n <= len(p); n += 24 {
		f.Add(quote(3, 0, p[:n]))
	}
	long := quote(1, 0, p)
	long[icmpLen+wire.IPv6Len+1] = 0xff
	f.Add(long)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, test, ok := parseError(b)
		if !ok {
			return
		}
		if len(test) != stamp.Len || !bytes.Contains(b, test) {
			t.Errorf("found %x", test)
		}
		if e.String() == "" || e.passed() != (b[0] == 3 && b[1] == 0) {
			t.Errorf("error %v", e)
		}
	})
}

// FuzzOpen: without the key nobody makes a packet that counts.
func FuzzOpen(f *testing.F) {
	s := newSealer()
	b := make([]byte, stamp.Len)
	newSealer().Seal(b, stamp.Test{Sequence: 1, SSID: 1})
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if st, ok := s.Open(b); ok {
			t.Errorf("opened %+v", st)
		}
	})
}
