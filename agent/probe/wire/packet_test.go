package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

var (
	testHome = netip.MustParseAddr("5f00:0:1::1")
	testSIDs = []netip.Addr{
		netip.MustParseAddr("5f00:0:2:8001::"), netip.MustParseAddr("5f00:0:2:4001::"), netip.MustParseAddr("5f00:0:1:6::"),
	}
)

const testSize = 112

func spec(home netip.Addr, sids []netip.Addr) Spec {
	return Spec{Source: home, To: home, SIDs: sids, From: 50000, At: 50000, Size: testSize}
}

func testPacket(t testing.TB) Packet {
	t.Helper()
	p, err := New(spec(testHome, testSIDs))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPacketBytes compares with a packet written by hand from RFC 8200,
// RFC 8754 and RFC 768.
func TestPacketBytes(t *testing.T) {
	p := testPacket(t)
	p.Limit(3)
	want := strings.Join([]string{
		"6c000000", "00c8", "2b", "03", // class selector 6; 200 bytes; routing header; 3 hops
		"5f000000000100000000000000000001", "5f000000000280010000000000000000", // to the first SID
		"29", "04", "04", "02", "01", "00", "0000", // IPv6 follows; 40 bytes; SRH; 2 left; last entry 1
		"5f000000000100060000000000000000", "5f000000000240010000000000000000", // last SID first
		"6c000000", "0078", "11", "40",
		"5f000000000100000000000000000001", "5f000000000100000000000000000001",
		"c350", "c350", "0078", "0000",
	}, "")
	if got := hex.EncodeToString(p.b[:len(p.b)-testSize]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(p.b) != len(want)/2+testSize || p.FirstSID() != testSIDs[0] {
		t.Errorf("%d bytes to %v", len(p.b), p.FirstSID())
	}
}

func TestPacketChecksum(t *testing.T) {
	for size := range 200 {
		s := spec(testHome, testSIDs)
		s.Size = size
		p, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Payload() {
			p.Payload()[i] = byte(i*i + size)
		}
		p.Seal()
		// RFC 1071: the sum over all, its own complement included, is all ones.
		sum := uint32(UDPLen + size + ProtoUDP)
		b := append([]byte{}, p.b[len(p.b)-size-UDPLen-32:]...)
		if len(b)%2 == 1 {
			b = append(b, 0)
		}
		for ; len(b) > 0; b = b[2:] {
			sum += uint32(binary.BigEndian.Uint16(b))
		}
		if sum%0xffff != 0 || bytes.Equal(p.UDP()[6:8], []byte{0, 0}) {
			t.Fatalf("%d bytes: sum %#x, checksum %x", size, sum, p.UDP()[6:8])
		}
	}
}

func TestPacketRefuses(t *testing.T) {
	for name, sids := range map[string][]netip.Addr{
		"none":      nil,
		"too many":  make([]netip.Addr, MaxSegments+1),
		"unset":     {testSIDs[0], {}},
		"IPv4":      {testSIDs[0], netip.MustParseAddr("10.0.0.1")},
		"mapped":    {testSIDs[0], netip.MustParseAddr("::ffff:10.0.0.1")},
		"all zeros": {testSIDs[0], netip.IPv6Unspecified()},
	} {
		if p, err := New(spec(testHome, sids)); err == nil {
			t.Errorf("%s: made %x", name, p.b)
		}
	}
	if _, err := New(spec(netip.Addr{}, testSIDs)); err == nil {
		t.Error("made a packet from nowhere")
	}
}

// TestPacketLargest: any link carries it, and errors quote it whole.
func TestPacketLargest(t *testing.T) {
	sids := make([]netip.Addr, MaxSegments)
	for i := range sids {
		sids[i] = testSIDs[0]
	}
	p, err := New(spec(testHome, sids))
	if err != nil || IPv6Len+8+len(p.b) > 1280 {
		t.Errorf("%d bytes, %v", len(p.b), err)
	}
}

func TestPacketSameWay(t *testing.T) {
	p, q := testPacket(t), testPacket(t)
	q.Payload()[5] = 9
	q.Seal()
	other, err := New(spec(testHome, []netip.Addr{testSIDs[0], testSIDs[0], testSIDs[2]}))
	if err != nil {
		t.Fatal(err)
	}
	if !p.SameWay(q) || p.SameWay(other) || p.SameWay(Packet{}) || !(Packet{}).SameWay(Packet{}) {
		t.Error("SameWay does not tell ways apart")
	}
}

// TestPacketOneSID: nothing is left to visit, so there is no routing header.
func TestPacketOneSID(t *testing.T) {
	p, err := New(spec(testHome, testSIDs[:1]))
	if err != nil || len(p.b) != 2*IPv6Len+UDPLen+testSize || p.b[6] != ProtoIPv6 || p.FirstSID() != testSIDs[0] {
		t.Errorf("%x, %v", p.b, err)
	}
}
