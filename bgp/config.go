package bgp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/transport"
)

// Port is BGP's.
const Port = 179

// Config is the speaker itself.
type Config struct {
	AS uint32
	// ID is the BGP Identifier: four octets, written as an IPv4 address, unique in
	// the AS (RFC 6286).
	ID netip.Addr
	// Listen are the addresses on which peers may connect; none: all are dialed.
	Listen []netip.AddrPort
	// RestartTime is how long this speaker takes at most to come back. For that
	// long the peers keep what it has sent (RFC 4724). 0: they forget at once, and
	// so does this speaker when they restart. At most 4095 s.
	RestartTime time.Duration
	// Restarting: it has been running less than RestartTime ago.
	Restarting bool
	Log        *slog.Logger
	// Sockets, if given, calls a function that makes a socket, such as inside a
	// network namespace. The function may wait for the far end.
	Sockets func(func() error) error
	// Times, if given, replace the timers that are not negotiated.
	Times *fsm.Times

	sendHold time.Duration // 0: defaultSendHold
}

// Peer is a router that sessions are held with. Its words are those of the
// RFCs and of a router's configuration.
type Peer struct {
	Name    string // unique, for people
	Address netip.Addr
	Port    uint16 // 0: Port
	// LocalAddress is where connections to the peer come from; invalid: the
	// kernel chooses.
	LocalAddress netip.Addr
	AS           uint32
	Families     []message.Family
	// Passive: the peer connects, it is never dialed.
	Passive  bool
	HoldTime time.Duration // 0: DefaultHoldTime
	// TTLSecurity is how many hops the peer may be away at most (GTSM, RFC 5082);
	// 1: on the same link. 0: it may be anywhere.
	TTLSecurity int
	Password    transport.Password // TCP MD5 (RFC 2385); none: not used
	Limits      Limits
}

// DefaultHoldTime is the suggestion of RFC 4271 section 10.
const DefaultHoldTime = 90 * time.Second

// Limits are what a peer may take of the speaker. One that goes beyond is cut
// off and stays idle. Zero values stand for DefaultLimits.
type Limits struct {
	Objects int // held at once, of all families, stale ones included
	// Updates are UPDATE messages per second, and Burst how many may come at once
	// on top of them: a first full set comes as fast as TCP carries it. A message
	// of more than 4096 octets counts as several.
	Updates, Burst int
	// Faults per hour; those that spoil no more than one TLV do not count.
	Faults int
}

// DefaultLimits have room for 10,000 nodes with 70,000 links and for a storm in
// which each of them changes.
var DefaultLimits = Limits{Objects: 500_000, Updates: 5000, Burst: 500_000, Faults: 1000}

func (l Limits) orDefault() Limits {
	pick := func(v, d int) int {
		if v == 0 {
			return d
		}
		return v
	}
	return Limits{pick(l.Objects, DefaultLimits.Objects), pick(l.Updates, DefaultLimits.Updates),
		pick(l.Burst, DefaultLimits.Burst), pick(l.Faults, DefaultLimits.Faults)}
}

// Mistake is something that is wrong with a configuration.
type Mistake struct {
	Peer  int    // index of the peer; -1 is the speaker itself
	Field string // as a file of kind BGP has it, such as holdTime and limits.burst
	Text  string
}

// Mistakes are all that is wrong with a speaker's configuration and that of its
// peers.
func Mistakes(c Config, peers []Peer) []Mistake {
	out := c.mistakes()
	names, addresses := map[string]bool{}, map[netip.Addr]string{}
	for i, p := range peers {
		found := p.mistakes(c)
		if names[p.Name] {
			found = append(found, Mistake{Field: "name", Text: "the name is used twice"})
		}
		if other, used := addresses[p.Address]; used && p.Address.IsValid() {
			found = append(found, Mistake{Field: "address", Text: fmt.Sprintf("the address %s is that of peer %s already", p.Address, other)})
		}
		names[p.Name], addresses[p.Address] = true, p.Name
		for _, m := range found {
			m.Peer = i
			out = append(out, m)
		}
	}
	return out
}

func (c Config) mistakes() []Mistake {
	var out []Mistake
	add := func(wrong bool, field, format string, args ...any) {
		if wrong {
			out = append(out, Mistake{Peer: -1, Field: field, Text: fmt.Sprintf(format, args...)})
		}
	}
	add(c.AS == 0, "as", "the AS number is missing")
	add(!c.ID.Is4() || c.ID.IsUnspecified(), "routerID", "the BGP Identifier %s is not four octets written as an IPv4 address", c.ID)
	add(c.RestartTime < 0 || c.RestartTime > 4095*time.Second || c.RestartTime%time.Second != 0,
		"restartTime", "the restart time %s is not a whole number of seconds up to 4095 (RFC 4724 section 3)", c.RestartTime)
	for i, at := range c.Listen {
		add(!at.IsValid() || at.Addr().Is4In6(), fmt.Sprintf("listen[%d]", i), "it cannot listen on %s: write an IPv4 or an IPv6 address with a port", at)
	}
	return out
}

func (p Peer) mistakes(c Config) []Mistake {
	var out []Mistake
	add := func(wrong bool, field, format string, args ...any) {
		if wrong {
			out = append(out, Mistake{Field: field, Text: fmt.Sprintf(format, args...)})
		}
	}
	add(p.Name == "", "name", "it has no name")
	add(!p.Address.IsValid() || p.Address.IsUnspecified() || p.Address.IsMulticast() || p.Address.Is4In6(), "address", "the address %s is not one of a router", p.Address)
	add(p.Address.Is6() && p.Address.IsLinkLocalUnicast() && p.Address.Zone() == "", "address", "the link-local address %s needs a zone, such as fe80::1%%eth0", p.Address)
	add(p.LocalAddress.IsValid() && p.Address.IsValid() && p.LocalAddress.Is4() != p.Address.Is4(), "localAddress", "the local address %s is of another family than the peer's %s", p.LocalAddress, p.Address)
	add(p.AS == 0, "as", "its AS number is missing")
	add(len(p.Families) == 0, "families", "it has no address families")
	for i, f := range p.Families {
		add(!f.Known(), fmt.Sprintf("families[%d]", i), "the address family %v is not known here", f)
		add(slices.Contains(p.Families[:i], f), fmt.Sprintf("families[%d]", i), "the address family %v is there twice", f)
	}
	add(p.HoldTime != 0 && (p.HoldTime < 3*time.Second || p.HoldTime > 65535*time.Second || p.HoldTime%time.Second != 0),
		"holdTime", "the hold time %s is not a whole number of seconds from 3 to 65535 (RFC 4271 section 4.2)", p.HoldTime)
	add(p.TTLSecurity < 0 || p.TTLSecurity > 254, "ttlSecurity", "TTL security of %d hops is not within 0 to 254 (RFC 5082)", p.TTLSecurity)
	add(p.Passive && len(c.Listen) == 0, "passive", "it is passive, but the speaker listens nowhere: who would connect?")
	add(p.Passive && len(c.Listen) > 0 && !slices.ContainsFunc(c.Listen, func(at netip.AddrPort) bool { return at.Addr().Is4() == p.Address.Is4() }),
		"passive", "it is passive, but the speaker listens on no address of its family")
	for _, l := range []struct {
		field string
		value int
	}{{"objects", p.Limits.Objects}, {"updates", p.Limits.Updates}, {"burst", p.Limits.Burst}, {"faults", p.Limits.Faults}} {
		add(l.value < 0, "limits."+l.field, "a limit is negative")
	}
	return out
}

// joined makes one error of mistakes, which names the peers.
func joined(mistakes []Mistake, peers []Peer) error {
	var bad []error
	for _, m := range mistakes {
		if m.Peer < 0 {
			bad = append(bad, fmt.Errorf("bgp: %s", m.Text))
		} else {
			bad = append(bad, fmt.Errorf("bgp peer %s: %s", peers[m.Peer].Name, m.Text))
		}
	}
	return errors.Join(bad...)
}

func (p Peer) remote() netip.AddrPort {
	if p.Port == 0 {
		return netip.AddrPortFrom(p.Address, Port)
	}
	return netip.AddrPortFrom(p.Address, p.Port)
}

func (p Peer) holdTime() time.Duration {
	if p.HoldTime == 0 {
		return DefaultHoldTime
	}
	return p.HoldTime
}

// equal reports whether a session need not end for the change.
func (p Peer) equal(o Peer) bool {
	return p.Name == o.Name && p.remote() == o.remote() && p.LocalAddress == o.LocalAddress && p.AS == o.AS &&
		slices.Equal(p.Families, o.Families) && p.Passive == o.Passive && p.holdTime() == o.holdTime() &&
		p.security().Equal(o.security()) && p.Limits.orDefault() == o.Limits.orDefault()
}

func (p Peer) security() transport.Security {
	return transport.Security{Hops: p.TTLSecurity, Password: p.Password}
}
