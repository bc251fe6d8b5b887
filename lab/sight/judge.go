// Package sight says whether what somebody sees who taps a cable breaks a
// promise: a packet of an encrypted intent in the clear, or a lane's off its
// path. It is pure. Tests of the lab call it.
package sight

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
)

// Hop is a cable, and the node that sends into it.
type Hop struct{ Link, From string }

// Lane is one direction of a lane: the addresses that its packets go from and
// to, which nothing else uses.
type Lane struct{ From, To netip.Addr }

// Selector is traffic that must not be seen, by source and destination.
type Selector struct{ From, To netip.Prefix }

// Promise is what must hold on every cable.
type Promise struct {
	// Hidden traffic is nowhere to be seen in the clear.
	Hidden []Selector
	// Marks are bytes in the payload of that traffic, and nowhere else.
	Marks [][]byte
	// Ways are the hops that lanes may take; a lane that is not named may take
	// none.
	Ways map[Lane]map[Hop]bool
}

// Verdict is what a frame is.
type Verdict uint8

// The verdicts. Those from Clear on break the promise.
const (
	Other   Verdict = iota // nothing that was promised anything
	OnPath                 // a lane's, where it belongs
	Clear                  // hidden traffic in the clear
	OffPath                // a lane's, where it does not belong
	Unknown                // cannot tell, which is not taken for a yes
)

func (v Verdict) String() string {
	if names := [...]string{"other", "a lane's, on its path", "in the clear", "off its path", "cannot tell"}; int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// Broken: the promise is.
func (v Verdict) Broken() bool { return v >= Clear }

// Sight is what somebody who taps a cable makes of a frame.
type Sight struct {
	Verdict Verdict
	Lane    Lane   // of OnPath and OffPath
	What    string // was seen that breaks the promise
}

// Judge says what a frame is that was seen on a hop.
func (p *Promise) Judge(at Hop, frame []byte) Sight {
	wrong := func(v Verdict, format string, args ...any) Sight {
		return Sight{Verdict: v, What: fmt.Sprintf("on %s from %s: ", at.Link, at.From) + fmt.Sprintf(format, args...)}
	}
	for _, mark := range p.Marks {
		if bytes.Contains(frame, mark) {
			return wrong(Clear, "payload %x", mark)
		}
	}
	open, whole := headers.Dissect(frame)
	seen := Sight{}
	for _, h := range open {
		if p.hides(h) {
			return wrong(Clear, "%s > %s, protocol %d", h.From, h.To, h.Proto)
		}
		// A router's error to a lane, and what it quotes, are not the lane's.
		if !isLane(h.From) && !isLane(h.To) || h.Quoted || h.Proto == headers.ICMP4 || h.Proto == headers.ICMP6 {
			continue
		}
		seen = Sight{Verdict: OnPath, Lane: Lane{h.From, h.To}}
		if !p.Ways[seen.Lane][at] {
			seen = wrong(OffPath, "%s > %s, port %d", h.From, h.To, h.Port)
			seen.Lane = Lane{h.From, h.To}
		}
	}
	if !whole {
		return wrong(Unknown, "%d headers, and no telling what comes after: %x", len(open), frame[:min(len(frame), 128)])
	}
	return seen
}

func (p *Promise) hides(h headers.Header) bool {
	for _, s := range p.Hidden {
		if s.From.Contains(h.From) && s.To.Contains(h.To) {
			return true
		}
	}
	return false
}

// isLane: the address is that of a lane, of whatever node.
func isLane(a netip.Addr) bool {
	if !a.Is6() {
		return false
	}
	locator, err := a.Prefix(48)
	b := a.As16()
	id := uint16(b[14])<<8 | uint16(b[15])
	return err == nil && id != 0 && id <= nodecfg.MaxLaneID && block.Contains(a) && a == nodecfg.LaneAddr(locator, id)
}

// block is the SRv6 SID block of RFC 9602, which the lab's locators are of.
var block = netip.MustParsePrefix("5f00::/16")
