package datagram

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/secret"
)

// Cookie shows that its sender receives what is sent to its address. The zero
// cookie is none.
type Cookie [16]byte

// Cookies makes and checks cookies without keeping any. Both keys are the
// caller's, who replaces them as time goes: Now by a random one, Before by what
// was Now. A cookie is good for one to two such periods.
type Cookies struct {
	Now, Before secret.Key
	bake        func(secret.Key, netip.AddrPort, hybrid.ID) Cookie // a test counts; nil is bake
}

// bake is HMAC-SHA-256 (RFC 2104) over a label and, each of a fixed length,
// address, port and exchange, cut to 128 bits.
func bake(key secret.Key, from netip.AddrPort, id hybrid.ID) (c Cookie) {
	h := hmac.New(sha256.New, key.Bytes())
	h.Write([]byte("keiro key epochs v1 cookie"))
	address := from.Addr().As16() // one form for IPv4, however the socket gave it
	h.Write(binary.BigEndian.AppendUint16(address[:], from.Port()))
	h.Write(id[:])
	copy(c[:], h.Sum(nil))
	return c
}

// judge says whether the cookie is good, and if not gives the one that is. A
// datagram without a cookie costs one MAC, one with a wrong one two. Without a
// key no cookie is good and none is given.
func (c Cookies) judge(from netip.AddrPort, id hybrid.ID, got Cookie) (good bool, fresh Cookie) {
	if !c.Now.Present() {
		return false, Cookie{}
	}
	mix := c.bake
	if mix == nil {
		mix = bake
	}
	fresh = mix(c.Now, from, id)
	if got == (Cookie{}) {
		return false, fresh
	}
	if hmac.Equal(got[:], fresh[:]) {
		return true, fresh
	}
	if !c.Before.Present() {
		return false, fresh
	}
	before := mix(c.Before, from, id)
	return hmac.Equal(got[:], before[:]), fresh
}
