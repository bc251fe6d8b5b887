package datagram

import (
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
)

// What an Inbox holds at most.
const (
	inboxBytes  = 1 << 20
	inboxOpen   = 256
	inboxPerNet = 8                // of one sender's IPv4 address or IPv6 /64
	inboxAge    = 10 * time.Second // then an incomplete message is dropped
)

// Inbox makes messages of datagrams. Nothing is kept of a sender that has not
// shown, by a cookie or by the name of an exchange that this end began, that
// it receives what is sent to its address. It is not safe for concurrent use.
type Inbox struct {
	open  []*assembly // oldest first
	bytes int
}

// Arrival is what a datagram led to; at most one of the three is set.
type Arrival struct {
	Message []byte // complete; hybrid.Decode has not seen it
	Answer  []byte // to be sent back to where the datagram came from
	Cookie  Cookie // for the exchange ID, which this end began: send again, with it
	ID      hybrid.ID
}

// assembly is a message of which parts are missing.
type assembly struct {
	from    netip.AddrPort
	id      hybrid.ID
	kind    hybrid.Kind
	born    time.Time
	parts   [][]byte
	missing int
	bytes   int
}

// Receive takes a datagram. mine tells the exchanges that this end has begun;
// it may be nil. An Arrival without any of its values set, and no error, means
// that parts are missing still.
func (b *Inbox) Receive(from netip.AddrPort, datagram []byte, now time.Time, cookies Cookies, mine func(hybrid.ID) bool) (Arrival, error) {
	p, err := parsePart(datagram)
	if err != nil {
		return Arrival{}, err
	}
	known := mine != nil && mine(p.id)
	switch {
	case p.kind == kindCookie && known:
		return Arrival{Cookie: p.cookie, ID: p.id}, nil
	case p.kind == kindCookie:
		return Arrival{}, hybrid.ErrExchange
	case !known:
		good, fresh := cookies.judge(from, p.id, p.cookie)
		if !good && fresh == (Cookie{}) {
			return Arrival{}, ErrCookie
		}
		if !good {
			return Arrival{Answer: challenge(p.id, fresh), ID: p.id}, ErrCookie
		}
	}
	b.expire(now)
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	whole, err := b.add(from, &p, now)
	if whole == nil {
		return Arrival{}, err
	}
	kind, h, err := hybrid.Peek(whole)
	if err != nil {
		return Arrival{}, err
	}
	if kind != p.kind || h.ID != p.id {
		return Arrival{}, ErrConflict
	}
	return Arrival{Message: whole, ID: p.id}, nil
}

// Held is how many incomplete messages there are, and how many bytes of them.
func (b *Inbox) Held() (messages, bytes int) { return len(b.open), b.bytes }

// expire drops what waited for too long.
func (b *Inbox) expire(now time.Time) {
	for len(b.open) > 0 && now.Sub(b.open[0].born) >= inboxAge {
		b.drop(0)
	}
}

func (b *Inbox) drop(i int) {
	b.bytes -= b.open[i].bytes
	b.open = append(b.open[:i], b.open[i+1:]...)
}

// add stores a part and returns the message when it was the last one missing.
func (b *Inbox) add(from netip.AddrPort, p *part, now time.Time) (whole []byte, err error) {
	if p.parts == 1 {
		return append([]byte(nil), p.payload...), nil
	}
	if b.bytes+len(p.payload) > inboxBytes {
		return nil, ErrBusy
	}
	at, err := b.find(from, p, now)
	if err != nil {
		return nil, err
	}
	a := b.open[at]
	switch have := a.parts[p.index]; {
	case have == nil:
		a.parts[p.index] = append([]byte(nil), p.payload...)
		a.missing--
		a.bytes += len(p.payload)
		b.bytes += len(p.payload)
	case string(have) != string(p.payload):
		return nil, ErrConflict
	}
	if a.missing > 0 {
		return nil, nil
	}
	for _, bytes := range a.parts {
		whole = append(whole, bytes...)
	}
	b.drop(at)
	return whole, nil
}

// network is what one sender has at least to itself.
func network(from netip.AddrPort) netip.Prefix {
	bits := 64
	if from.Addr().Is4() {
		bits = 32
	}
	p, _ := from.Addr().Prefix(bits) // both lengths are good for their family
	return p
}

// find is where the part's message is, or begins.
func (b *Inbox) find(from netip.AddrPort, p *part, now time.Time) (at int, err error) {
	same := 0
	for i, a := range b.open {
		if network(a.from) == network(from) {
			same++
		}
		if a.from == from && a.id == p.id && a.kind == p.kind {
			if len(a.parts) != int(p.parts) {
				return 0, ErrConflict
			}
			return i, nil
		}
	}
	if same >= inboxPerNet || len(b.open) >= inboxOpen {
		return 0, ErrBusy
	}
	b.open = append(b.open, &assembly{
		from: from, id: p.id, kind: p.kind, born: now, parts: make([][]byte, p.parts), missing: int(p.parts),
	})
	return len(b.open) - 1, nil
}
