package way

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"net/netip"
)

// Lengths and numbers of IPv6 (RFC 8200) and the SRH (RFC 8754 section 2).
const (
	ipv6Len      = 40
	srhLen       = 8 // without segments
	sidLen       = 16
	protoRouting = 43
	protoNone    = 59 // what follows is ignored by all but us, RFC 8200 section 4.7
	routingSRH   = 4
	fullHops     = 64
	maxPacket    = 1280 // that every IPv6 link carries
	// networkControl is class selector 6 (RFC 4594 section 3.1), as of other
	// probes.
	networkControl = 48 << 2
)

// The end of a probe: the number of the path and that of the probe, and their
// code.
const (
	tokenLen = 8
	codeLen  = 16
	testLen  = tokenLen + codeLen
)

// packet is a probe as it goes on the wire.
type packet []byte

// newPacket makes a probe from home that visits the SIDs in order and comes
// home, with room for as many entries of the trace.
func newPacket(home netip.Addr, sids []netip.Addr, entries int) (packet, error) {
	if entries < 1 || entries > maxEntries {
		return nil, fmt.Errorf("%d links: from 1 to %d can be traced", entries, maxEntries)
	}
	for _, sid := range append([]netip.Addr{home}, sids...) {
		if !sid.Is6() || sid.Is4In6() || sid.IsUnspecified() {
			return nil, fmt.Errorf("%v is no IPv6 address", sid)
		}
	}
	if len(sids) == 0 {
		return nil, fmt.Errorf("no SIDs")
	}
	sids = append(sids[:len(sids):len(sids)], home)
	p := make(packet, ipv6Len, maxPacket)
	p = appendTrace(p, protoRouting, entries)
	// Reduced: the first SID is the destination alone (RFC 8754 section 4.1.1).
	listed := len(sids) - 1
	p = append(p, protoNone, byte(2*listed), routingSRH, byte(listed), byte(listed-1), 0, 0, 0)
	for i := len(sids) - 1; i > 0; i-- {
		p = append(p, sids[i].AsSlice()...)
	}
	p = append(p, make([]byte, testLen)...)
	if len(p) > maxPacket {
		return nil, fmt.Errorf("list of %d SIDs: the probe would have %d bytes, more than %d", len(sids), len(p), maxPacket)
	}
	binary.BigEndian.PutUint32(p, 6<<28|networkControl<<20)
	binary.BigEndian.PutUint16(p[4:], uint16(len(p)-ipv6Len))
	p[6], p[7] = 0, fullHops // hop-by-hop options follow
	copy(p[8:], home.AsSlice())
	copy(p[24:], sids[0].AsSlice())
	return p, nil
}

func (p packet) firstSID() netip.Addr { return netip.AddrFrom16([16]byte(p[24:ipv6Len])) }

// load puts in what changes from one probe of a path to the next.
func (p packet) load(s *sealer, t token) { s.seal(p[len(p)-testLen:], t) }

// sameWay says whether both visit the same SIDs.
func (p packet) sameWay(q packet) bool {
	if len(p) == 0 || len(p) != len(q) {
		return len(p) == len(q)
	}
	return string(p[:len(p)-testLen]) == string(q[:len(q)-testLen])
}

// parseTest reads the token at the end of a packet that begins with its SRH.
func parseTest(s *sealer, b []byte) (token, bool) {
	if len(b) < srhLen || b[0] != protoNone || b[2] != routingSRH || len(b) != srhLen+8*int(b[1])+testLen {
		return token{}, false
	}
	return s.open(b[len(b)-testLen:])
}

// token names a probe.
type token struct{ path, number uint32 }

// sealer makes tokens and knows its own again. The key never leaves the
// process and is never the same twice.
type sealer struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newSealer() *sealer {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails: crypto/rand
	return &sealer{mac: hmac.New(sha256.New, key)}
}

// seal writes a token into the testLen bytes of b.
func (s *sealer) seal(b []byte, t token) {
	binary.BigEndian.PutUint32(b, t.path)
	binary.BigEndian.PutUint32(b[4:], t.number)
	copy(b[tokenLen:testLen], s.code(b))
}

// open reads a token that this sealer made; anything else is not ok.
func (s *sealer) open(b []byte) (token, bool) {
	if len(b) != testLen || !hmac.Equal(b[tokenLen:], s.code(b)) {
		return token{}, false
	}
	return token{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}, true
}

// code is HMAC-SHA-256, truncated to 128 bits as RFC 8762 section 4.4 does.
func (s *sealer) code(b []byte) []byte {
	s.mac.Reset()
	s.mac.Write(b[:tokenLen])
	return s.mac.Sum(s.sum[:0])[:codeLen]
}
