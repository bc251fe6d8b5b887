// Package stamp is the Simple Two-way Active Measurement Protocol, RFC 8762,
// in authenticated mode, with the SSID and TLVs of RFC 8972 and the Return
// Path of RFC 9503: the packets, the keys, and the two ends as they decide. It
// is pure; package probe sends and receives for it.
//
// # Whom the Session-Reflector answers
//
// Only packets that carry the HMAC of a pair of nodes of one fleet, and each
// once. Each answer is as long as the packet it answers, goes to the node that
// has the key, and by the way that is in the authentic packet. So there is
// nothing to amplify and nobody else to be sent to.
//
// A packet captured long ago is authentic too. It would answer nobody who asks,
// but it must not move the counters of a session either. So a session is
// agreed upon first: the reflector answers a sender that it does not know with
// a token, and counts nothing until packets come with that token in them. Who
// sends old packets cannot hear the answer, which goes to the sender. The
// token is a MAC over what names the session and its token before, so until
// then the reflector remembers nothing either.
//
// Token and the sender's life (a number that it draws when it begins) are in a
// TLV of the range for private use, RFC 8972 section 5.1: a reflector of
// another make would return it as unrecognized, and is not asked by Keiro.
package stamp

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
)

// Port is that of Session-Reflectors, RFC 8762 section 4.1.
const Port = 862

// The test packet in authenticated mode, RFC 8762 section 4.2.2 with the SSID
// of RFC 8972 section 3: sequence number, 12 zero bytes, timestamp, error
// estimate, SSID, zero bytes, HMAC. Section 4.3.2: where the sender has zeros,
// the reflector has the time of arrival and, of the packet that it answers,
// sequence number, timestamp, error estimate and hop limit.
const (
	atSequence       = 0
	atTime           = 16
	atError          = 24
	atSSID           = 26
	atReceived       = 32
	atSenderSequence = 48
	atSenderTime     = 64
	atSenderError    = 72

	atHMAC = 96
	// Len is that of a packet without TLVs.
	Len     = 112
	hmacLen = 16
)

// TLVs, RFC 8972 section 4 and RFC 9503 section 4.
const (
	tlvHeader     = 4 // flags, type, length
	tlvReturnPath = 10
	tlvHMAC       = 8
	tlvSession    = 252
	subSRv6       = 4 // SRv6 Segment List, RFC 9503 section 4.1.2
	unrecognized  = 0x80
	sidLen        = 16
	sessionLen    = 16
	// MaxReturn is how many SIDs may lead back.
	MaxReturn = 48
)

// Size is the length of a packet whose answer comes back by n SIDs.
func Size(n int) int {
	return Len + tlvHeader + tlvHeader + sidLen*n + tlvHeader + sessionLen + tlvHeader + hmacLen
}

// Test is a packet of a Session-Sender.
type Test struct {
	Sequence uint32
	Sent     NTP
	Clock    Estimate // of Sent
	SSID     uint16

	// Of those with TLVs. Return is in order, the sender's decapsulation SID last.
	Life, Token uint64
	Return      []netip.Addr
}

// Reply is a packet of a Session-Reflector.
type Reply struct {
	Test               // its own sequence number, time of sending, clock, and the SSID, Life and Return it answers; Token is what it wants
	Received    NTP    // when the packet came that it answers
	Answers     uint32 // sequence number of that packet
	AnswersSent NTP
	AnswersOf   Estimate
}

// Sealer makes packets of one key and knows them again. It is for one
// goroutine at a time.
type Sealer struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

// NewSealer has the key for HMAC-SHA-256, of any length.
func NewSealer(key []byte) *Sealer { return &Sealer{mac: hmac.New(sha256.New, key)} }

// Kind says which packets a derived key is for.
type Kind string

// The kinds: a packet sent back to where it comes from is none of the other
// kind.
const (
	Tests   Kind = "test"
	Replies Kind = "reply"
)

// Derive makes the Sealer of one kind of packet between two nodes, for the one
// that asks and the one that answers, from the key of the pair.
func Derive(key []byte, kind Kind, sender, reflector string) *Sealer {
	info := make([]byte, 0, 64)
	for _, field := range []string{"keiro stamp v1", string(kind), sender, reflector} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(field)))
		info = append(info, field...)
	}
	derived, err := hkdf.Expand(sha256.New, key, string(info), sha256.Size)
	if err != nil {
		panic(err) // only of a length that HKDF cannot make
	}
	return NewSealer(derived)
}

// tag is HMAC-SHA-256 over the parts, truncated to 128 bits: RFC 8762 section
// 4.4. It is valid until the next call.
func (s *Sealer) tag(parts ...[]byte) []byte {
	s.mac.Reset()
	for _, b := range parts {
		s.mac.Write(b)
	}
	return s.mac.Sum(s.sum[:0])[:hmacLen]
}

// Seal writes a packet without TLVs into the Len bytes of b.
func (s *Sealer) Seal(b []byte, t Test) {
	clear(b[:atHMAC])
	putTest(b, t)
	copy(b[atHMAC:Len], s.tag(b[:atHMAC]))
}

// Open reads a packet that Seal made with the same key; anything else is not ok.
func (s *Sealer) Open(b []byte) (t Test, ok bool) {
	if len(b) != Len || !hmac.Equal(b[atHMAC:], s.tag(b[:atHMAC])) {
		return Test{}, false
	}
	return getTest(b), true
}

func putTest(b []byte, t Test) {
	binary.BigEndian.PutUint32(b[atSequence:], t.Sequence)
	binary.BigEndian.PutUint64(b[atTime:], uint64(t.Sent))
	binary.BigEndian.PutUint16(b[atError:], uint16(t.Clock))
	binary.BigEndian.PutUint16(b[atSSID:], t.SSID)
}

func getTest(b []byte) Test {
	return Test{
		Sequence: binary.BigEndian.Uint32(b[atSequence:]), Sent: NTP(binary.BigEndian.Uint64(b[atTime:])),
		Clock: Estimate(binary.BigEndian.Uint16(b[atError:])), SSID: binary.BigEndian.Uint16(b[atSSID:]),
	}
}

// SealTest writes a packet with TLVs into the Size(len(t.Return)) bytes of b.
func (s *Sealer) SealTest(b []byte, t Test) {
	clear(b[:atHMAC])
	putTest(b, t)
	s.finish(b, t, unrecognized)
}

// SealReply writes the answer, as long as the packet that it answers.
func (s *Sealer) SealReply(b []byte, r Reply) {
	clear(b[:atHMAC])
	putTest(b, r.Test)
	binary.BigEndian.PutUint64(b[atReceived:], uint64(r.Received))
	binary.BigEndian.PutUint32(b[atSenderSequence:], r.Answers)
	binary.BigEndian.PutUint64(b[atSenderTime:], uint64(r.AnswersSent))
	binary.BigEndian.PutUint16(b[atSenderError:], uint16(r.AnswersOf))
	s.finish(b, r.Test, 0)
}

// finish writes both HMACs and, between them, the TLVs. That of RFC 8972
// section 4.8 covers the sequence number and the TLVs before it.
func (s *Sealer) finish(b []byte, t Test, flags byte) {
	copy(b[atHMAC:Len], s.tag(b[:atHMAC]))
	at := Len
	header := func(kind byte, length int) {
		b[at], b[at+1] = flags, kind
		binary.BigEndian.PutUint16(b[at+2:], uint16(length))
		at += tlvHeader
	}
	header(tlvReturnPath, tlvHeader+sidLen*len(t.Return))
	header(subSRv6, sidLen*len(t.Return))
	for _, sid := range t.Return {
		sid := sid.As16()
		at += copy(b[at:], sid[:])
	}
	header(tlvSession, sessionLen)
	binary.BigEndian.PutUint64(b[at:], t.Life)
	binary.BigEndian.PutUint64(b[at+8:], t.Token)
	at += sessionLen
	header(tlvHMAC, hmacLen)
	copy(b[at:at+hmacLen], s.tag(b[atSequence:atSequence+4], b[Len:at-tlvHeader]))
}

// OpenTest reads a packet that SealTest made with the same key. Its Return,
// made in the space given, has whatever SIDs the sender put in. Any other
// packet is not ok: one that is longer, one with other TLVs or in another
// order, which RFC 8972 allows and no sender of ours makes.
func (s *Sealer) OpenTest(b []byte, space []netip.Addr) (t Test, ok bool) {
	if !s.authentic(b) {
		return Test{}, false
	}
	t, sids, ok := withTLVs(b, unrecognized)
	if !ok {
		return Test{}, false
	}
	t.Return = space[:0]
	for ; len(sids) > 0; sids = sids[sidLen:] {
		t.Return = append(t.Return, netip.AddrFrom16([sidLen]byte(sids)))
	}
	return t, true
}

// OpenReply reads a packet that SealReply made with the same key. Its Return is
// left out: the packet has come that way.
func (s *Sealer) OpenReply(b []byte) (r Reply, ok bool) {
	if !s.authentic(b) {
		return Reply{}, false
	}
	if r.Test, _, ok = withTLVs(b, 0); !ok {
		return Reply{}, false
	}
	r.Received = NTP(binary.BigEndian.Uint64(b[atReceived:]))
	r.Answers = binary.BigEndian.Uint32(b[atSenderSequence:])
	r.AnswersSent = NTP(binary.BigEndian.Uint64(b[atSenderTime:]))
	r.AnswersOf = Estimate(binary.BigEndian.Uint16(b[atSenderError:]))
	return r, true
}

// authentic checks both HMACs, before anything else of the packet is believed.
func (s *Sealer) authentic(b []byte) bool {
	if len(b) < Size(0) || len(b) > Size(MaxReturn) {
		return false
	}
	end := len(b) - hmacLen
	return hmac.Equal(b[atHMAC:Len], s.tag(b[:atHMAC])) &&
		hmac.Equal(b[end:], s.tag(b[atSequence:atSequence+4], b[Len:end-tlvHeader]))
}

func withTLVs(b []byte, flags byte) (t Test, sids []byte, ok bool) {
	n := (len(b) - Size(0)) / sidLen
	if len(b) != Size(n) {
		return Test{}, nil, false
	}
	at := Len
	header := func(kind byte, length int) bool {
		h := b[at : at+tlvHeader]
		at += tlvHeader
		return h[0] == flags && h[1] == kind && int(binary.BigEndian.Uint16(h[2:])) == length
	}
	ok = header(tlvReturnPath, tlvHeader+sidLen*n) && header(subSRv6, sidLen*n)
	sids = b[at : at+sidLen*n]
	at += sidLen * n
	ok = ok && header(tlvSession, sessionLen)
	session := b[at : at+sessionLen]
	at += sessionLen
	if !ok || !header(tlvHMAC, hmacLen) {
		return Test{}, nil, false
	}
	t = getTest(b)
	t.Life, t.Token = binary.BigEndian.Uint64(session), binary.BigEndian.Uint64(session[8:])
	return t, sids, true
}
