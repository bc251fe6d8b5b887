package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	testHome = netip.MustParseAddr("5f00:0:1::1")
	testSIDs = []netip.Addr{
		netip.MustParseAddr("5f00:0:2:8001::"), netip.MustParseAddr("5f00:0:2:4001::"), netip.MustParseAddr("5f00:0:1:6::"),
	}
)

func testPacket(t testing.TB) packet {
	t.Helper()
	p, err := newPacket(testHome, 50000, testSIDs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPacketBytes compares with a packet written by hand from RFC 8200,
// RFC 8754 and RFC 768; the test packet in it is in TestStamp.
func TestPacketBytes(t *testing.T) {
	p := testPacket(t)
	p.limit(3)
	want := strings.Join([]string{
		"6c000000", "00c8", "2b", "03", // class selector 6; 200 bytes; routing header; 3 hops
		"5f000000000100000000000000000001", "5f000000000280010000000000000000", // to the first SID
		"29", "04", "04", "02", "01", "00", "0000", // IPv6 follows; 40 bytes; SRH; 2 left; last entry 1
		"5f000000000100060000000000000000", "5f000000000240010000000000000000", // last SID first
		"6c000000", "0078", "11", "40",
		"5f000000000100000000000000000001", "5f000000000100000000000000000001",
		"c350", "c350", "0078", "0000",
	}, "")
	if got := hex.EncodeToString(p[:len(p)-stampLen]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(p) != len(want)/2+stampLen || p.firstSID() != testSIDs[0] {
		t.Errorf("%d bytes to %v", len(p), p.firstSID())
	}
}

func TestPacketChecksum(t *testing.T) {
	p, s := testPacket(t), newSealer()
	for i := range 1000 {
		p.load(s, stamp{sequence: uint32(i), sent: ntp(i) << 40, ssid: 7})
		// RFC 1071: the sum over all, its own complement included, is all ones.
		sum := uint32(udpLen + stampLen + protoUDP)
		for b := p[len(p)-stampLen-udpLen-32:]; len(b) > 0; b = b[2:] {
			sum += uint32(binary.BigEndian.Uint16(b))
		}
		if sum%0xffff != 0 || bytes.Equal(p.udp()[6:8], []byte{0, 0}) {
			t.Fatalf("sum %#x, checksum %x", sum, p.udp()[6:8])
		}
	}
}

func TestPacketRefuses(t *testing.T) {
	for name, sids := range map[string][]netip.Addr{
		"none":      nil,
		"one":       testSIDs[:1],
		"too many":  make([]netip.Addr, maxSegments+1),
		"unset":     {testSIDs[0], {}},
		"IPv4":      {testSIDs[0], netip.MustParseAddr("10.0.0.1")},
		"mapped":    {testSIDs[0], netip.MustParseAddr("::ffff:10.0.0.1")},
		"all zeros": {testSIDs[0], netip.IPv6Unspecified()},
	} {
		if p, err := newPacket(testHome, 1, sids); err == nil {
			t.Errorf("%s: made %x", name, p)
		}
	}
	if _, err := newPacket(netip.Addr{}, 1, testSIDs); err == nil {
		t.Error("made a packet from nowhere")
	}
}

// TestPacketLargest: any link carries it, and errors quote it whole.
func TestPacketLargest(t *testing.T) {
	sids := make([]netip.Addr, maxSegments)
	for i := range sids {
		sids[i] = testSIDs[0]
	}
	p, err := newPacket(testHome, 1, sids)
	if err != nil || ipv6Len+icmpLen+len(p) > 1280 {
		t.Errorf("%d bytes, %v", len(p), err)
	}
}

func TestPacketSameWay(t *testing.T) {
	p, q := testPacket(t), testPacket(t)
	q.load(newSealer(), stamp{sequence: 9})
	other, err := newPacket(testHome, 50000, []netip.Addr{testSIDs[0], testSIDs[0], testSIDs[2]})
	if err != nil {
		t.Fatal(err)
	}
	if !p.sameWay(q) || p.sameWay(other) || p.sameWay(nil) || !packet(nil).sameWay(nil) {
		t.Error("sameWay does not tell ways apart")
	}
}

// TestStamp has the layout of RFC 8762 section 4.2.2 with the SSID of RFC 8972.
func TestStamp(t *testing.T) {
	s := newSealer()
	b := bytes.Repeat([]byte{0xff}, stampLen)
	want := stamp{sequence: 0x01020304, sent: ntpOf(time.Unix(0, 5e8)), ssid: 0x0506}
	s.seal(b, want)
	const layout = "01020304" + "000000000000000000000000" + "83aa7e8080000000" + "0001" + "0506"
	if got := hex.EncodeToString(b[:28]); got != layout {
		t.Errorf("got  %s\nwant %s", got, layout)
	}
	if !bytes.Equal(b[28:stampHMAC], make([]byte, 68)) {
		t.Errorf("must be zero: %x", b[28:stampHMAC])
	}
	if got, ok := s.open(b); !ok || got != want {
		t.Errorf("opened %+v, %v", got, ok)
	}
	for i := range b {
		b[i] ^= 1
		if _, ok := s.open(b); ok {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
		b[i] ^= 1
	}
	if _, ok := newSealer().open(b); ok {
		t.Error("opened with another key")
	}
	for n := range stampLen {
		if _, ok := s.open(b[:n]); ok {
			t.Fatalf("opened %d bytes", n)
		}
	}
}

func TestNTPDifference(t *testing.T) {
	eraEnd := time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC)
	for _, d := range []time.Duration{0, time.Microsecond, 999 * time.Millisecond, 3 * time.Second, -time.Millisecond, -5 * time.Second} {
		got := ntpOf(eraEnd.Add(d)).sub(ntpOf(eraEnd))
		if (got - d).Abs() > time.Nanosecond {
			t.Errorf("%v became %v", d, got)
		}
	}
}
