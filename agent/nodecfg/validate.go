package nodecfg

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The shortest times of a Probe that is not 0: probing must not be a load.
const (
	MinInterval = time.Millisecond
	MinMeasure  = 10 * time.Millisecond
)

// Bounds of a Config.
const (
	maxSegments = 127 // of an SRH, whose length is 8 bits of 8 bytes (RFC 8754 section 2), decapsulation included
	maxPaths    = 1000
	maxPolicies = MaxPref // the controller numbers intents up to it
	// maxSelectors bounds those of all policies. Each is a rule that the kernel
	// asks for every packet, and package floor compares each with every floor.
	maxSelectors = 2 * MaxPref
	// maxErrors and maxError, in bytes, bound what a Config that is all wrong
	// makes of a report and a log.
	maxErrors  = 100
	maxError   = 500
	minMTU4    = 68   // RFC 791
	minMTU6    = 1280 // RFC 8200 section 5
	maxMTU     = 65535
	maxTesters = 1 << 16 // a fabric has no more locators

	maxCertificate = 8 << 10 // bytes; ours have about 700 and a name of at most 253 twice
	maxIdentity    = 4 << 10 // bytes; hybrid.PublicSize is 1,984
	wireGuardKey   = 32
)

// Validate finds what is wrong with a Config, all of it at once. What it
// passes leads to a State without contradiction.
func (c *Config) Validate() error {
	if err := c.size(); err != nil {
		return err
	}
	v := validator{links: make(map[string]Link)}
	v.check(c.Revision > 0, "revision: is 0, must be at least 1")
	v.check(c.Node != "", "node: is empty")
	v.locator("locator", c.Locator)
	v.check(c.Guard == Enforce || c.Guard == Alert, "guard: %q is neither \"\", enforce, nor %q", c.Guard, Alert)
	v.seen = make(map[string]string)
	for i, l := range c.Links {
		v.link(fmt.Sprintf("links[%d] %s", i, l.Name), c, l)
	}
	for i, u := range c.Underlay {
		at := fmt.Sprintf("underlay[%d] %s", i, u.To)
		v.locator(at, u.To)
		v.check(u.To != c.Locator, "%s: is the node's own locator", at)
		v.unique(at, "underlay to", u.To)
		v.knownLink(at, u.Link)
	}
	for i := range c.Policies {
		v.policy(fmt.Sprintf("policies[%d] %s", i, c.Policies[i].Intent), c, &c.Policies[i])
	}
	v.neighborRoutes(c)
	v.peers(c)
	v.protected(c)
	if p := c.Probe; p.Interval != 0 {
		v.check(p.Interval >= MinInterval, "probe: interval %s is less than %s", p.Interval, MinInterval)
		v.check(p.Lost >= 1, "probe: lost is %d, must be at least 1", p.Lost)
		v.check(p.Back >= 1, "probe: back is %d, must be at least 1", p.Back)
	}
	v.testers(c)
	if v.more > 0 {
		v.errs = append(v.errs, fmt.Errorf("and %d more", v.more))
	}
	return errors.Join(v.errs...)
}

// testers checks those that test packets are exchanged with.
func (v *validator) testers(c *Config) {
	m := c.Probe.Measure
	v.check(m == 0 || m >= MinMeasure, "probe: measure %s is less than %s", m, MinMeasure)
	for i, t := range c.Testers {
		at := fmt.Sprintf("testers[%d] %s", i, t.Node)
		v.check(t.Node != "" && t.Node != c.Node, "%s: is no other node", at)
		v.check(i == 0 || c.Testers[i-1].Node < t.Node, "%s: is not after %s: twice, or not sorted", at, c.Testers[max(i-1, 0)].Node)
		v.locator(at+": locator", t.Locator)
		v.unique(at, "tester's locator", t.Locator)
		v.check(t.Locator != c.Locator, "%s: locator is the node's own", at)
		v.check(len(t.Key) == TestKeyLen, "%s: key of %d bytes, must be %d", at, len(t.Key), TestKeyLen)
	}
}

// size refuses what is too much to look at.
func (c *Config) size() error {
	if n := len(c.Policies); n > maxPolicies {
		return fmt.Errorf("policies: %d are more than %d", n, maxPolicies)
	}
	selectors := 0
	for i := range c.Policies {
		selectors += len(c.Policies[i].Traffic)
	}
	if n := len(c.Testers); n > maxTesters {
		return fmt.Errorf("testers: %d are more than %d", n, maxTesters)
	}
	if selectors > maxSelectors {
		return fmt.Errorf("policies: %d selectors of traffic are more than %d", selectors, maxSelectors)
	}
	return nil
}

type validator struct {
	errs  []error
	more  int               // that are not in errs
	seen  map[string]string // what must be unique, and where it was
	links map[string]Link

	tunnels *tunnels // nil: not asked for yet
}

func (v *validator) check(ok bool, format string, args ...any) {
	if ok {
		return
	}
	if len(v.errs) >= maxErrors {
		v.more++
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "..."
	}
	v.errs = append(v.errs, errors.New(text))
}

func (v *validator) unique(at, what string, value any) {
	key := fmt.Sprint(what, " ", value)
	if first, ok := v.seen[key]; ok {
		v.check(false, "%s: %s is already that of %s", at, key, first)
		return
	}
	v.seen[key] = at
}

func (v *validator) knownLink(at, link string) {
	_, ok := v.links[link]
	v.check(ok, "%s: link %q is not in links", at, link)
}

// locator checks for a /48: the functions of sid.go begin at bit 48.
func (v *validator) locator(at string, p netip.Prefix) {
	ok := p.IsValid() && p.Bits() == 48 && p == p.Masked() && isUnicast6(p.Addr())
	v.check(ok, "%s: %s is no locator: an IPv6 prefix of 48 bits", at, p)
}

func (v *validator) link(at string, c *Config, l Link) {
	v.check(l.Name != "", "%s: name is empty", at)
	v.unique(at, "link", l.Name)
	v.links[l.Name] = l
	v.check(isInterface(l.Interface), "%s: %q is no name of an interface for a link", at, l.Interface)
	v.unique(at, "interface", l.Interface)
	v.check(l.Peer != "", "%s: peer is empty", at)
	v.check(l.ID >= 1 && l.ID <= MaxLinkID, "%s: id %d is not in 1 to %d", at, l.ID, MaxLinkID)
	v.unique(at, "link id", l.ID)
	if l.PeerAddress != (netip.Addr{}) {
		v.router(at, c, l)
		return
	}
	v.check(l.PeerID >= 1 && l.PeerID <= MaxLinkID, "%s: peerId %d is not in 1 to %d", at, l.PeerID, MaxLinkID)
	v.locator(at+": peerLocator", l.PeerLocator)
	v.check(l.PeerLocator != c.Locator, "%s: peerLocator is the node's own", at)
	v.unique(at, "peer's end", fmt.Sprint(l.PeerLocator, " id ", l.PeerID))
}

func (v *validator) policy(at string, c *Config, p *Policy) {
	v.check(p.Intent != "", "%s: intent is empty", at)
	v.unique(at, "intent", p.Intent)
	v.check(p.ID >= 1, "%s: id is 0, must be at least 1", at)
	v.unique(at, "policy id", p.ID)
	v.check(p.Encryption == "" || slices.Contains(Encryptions, p.Encryption), "%s: encryption %q is none of %s",
		at, p.Encryption, strings.Join(Encryptions, ", "))
	minMTU := minMTU4
	for i, t := range p.Traffic {
		at := fmt.Sprintf("%s: traffic[%d]", at, i)
		v.check(t.Pref <= MaxPref, "%s: pref %d is greater than %d", at, t.Pref, MaxPref)
		if !isPrefix(t.From) || !isPrefix(t.To) || t.From.Addr().Is4() != t.To.Addr().Is4() {
			v.check(false, "%s: from %s to %s is no pair of prefixes of one family", at, t.From, t.To)
			continue
		}
		if t.From.Addr().Is6() {
			minMTU = minMTU6
			v.check(!v.steersItself(c, t), "%s: from %s to %s takes in SRv6 packets themselves, which would go round for ever",
				at, t.From, t.To)
		}
	}
	v.check(len(p.Paths) <= maxPaths, "%s: %d paths are more than %d", at, len(p.Paths), maxPaths)
	v.check(p.Mode == Failover || p.Mode == Spread, "%s: mode %q is neither \"\", failover, nor %q", at, p.Mode, Spread)
	for i := range p.Paths {
		at := fmt.Sprintf("%s: paths[%d] %s", at, i, p.Paths[i].Name)
		v.path(at, c, &p.Paths[i], minMTU)
		for _, t := range p.Traffic {
			if sid := p.Paths[i].decap(t.To); p.Paths[i].foreign() && !sid.IsValid() {
				v.check(false, "%s: decap: no SID for the packets to %s", at, t.To)
			}
		}
		if w := p.Paths[i].Weight; p.Mode == Spread {
			v.check(w >= 1 && w <= MaxWeight, "%s: weight %d is not in 1 to %d", at, w, MaxWeight)
		} else {
			v.check(w == 0, "%s: weight %d in a policy that does not spread", at, w)
		}
	}
}

func (v *validator) path(at string, c *Config, p *Path, minMTU int) {
	v.check(p.Name != "", "%s: name is empty", at)
	v.unique(at, "path", p.Name)
	v.knownLink(at, p.Link)
	if p.foreign() {
		v.foreignTail(at, c, p)
	} else {
		v.locator(at+": tail", p.Tail)
		v.check(p.Tail != c.Locator, "%s: tail is the node itself", at)
	}
	v.check(len(p.Links) == 0 || len(p.Links) == len(p.Hops)-1 && len(p.Locators) == len(p.Hops),
		"%s: %d links, for %d hops with %d locators", at, len(p.Links), len(p.Hops), len(p.Locators))
	for _, l := range p.Links {
		v.check(l.Far <= MaxLinkID, "%s: links: number %d of %s is greater than %d", at, l.Far, l.Name, MaxLinkID)
	}
	v.check(p.MaxDelay >= 0, "%s: maxDelay %s is negative", at, p.MaxDelay)
	v.check(p.MaxLossPPM >= 0 && p.MaxLossPPM <= 1e6, "%s: maxLoss_ppm %d is not in 0 to 1000000", at, p.MaxLossPPM)
	v.check(p.Unprobed == "" || len(p.Return) == 0, "%s: unprobed, with return segments", at)
	n, least := len(p.Segments), 1
	l, ok := v.links[p.Link]
	if p.foreign() && l.PeerAddress.IsValid() {
		least = 0
	}
	v.check(n >= least && n < maxSegments, "%s: %d segments, must be %d to %d", at, n, least, maxSegments-1)
	if ok && n > 0 && l.PeerLocator.IsValid() && !l.PeerAddress.IsValid() {
		pin := Ingress(l.PeerLocator, l.PeerID)
		v.check(pin.Contains(p.Segments[0]), "%s: first segment %s is not in %s, so link %s would not be what it begins with",
			at, p.Segments[0], pin, p.Link)
	}
	v.check(len(p.Return) <= maxSegments, "%s: %d return segments are more than %d", at, len(p.Return), maxSegments)
	for _, list := range [][]netip.Addr{p.Segments, p.Return} {
		for _, a := range list {
			v.check(isUnicast6(a) && a.Zone() == "", "%s: segment %s is no IPv6 unicast address", at, a)
		}
	}
	if l := p.Lane; l != nil {
		v.check(l.ID >= 1 && l.ID <= MaxLaneID, "%s: lane: id %d is not in 1 to %d", at, l.ID, MaxLaneID)
		v.unique(at, "lane id", l.ID)
		v.check(l.Index >= 0 && l.Index < maxPaths, "%s: lane: index %d is not in 0 to %d", at, l.Index, maxPaths-1)
		v.check(slices.Contains(Encryptions, l.Encryption), "%s: lane: encryption %q is none of %s", at, l.Encryption, strings.Join(Encryptions, ", "))
		v.check(l.Peer != "" && l.Peer != c.Node, "%s: lane: peer %q is no other node", at, l.Peer)
		minMTU += laneOverhead
	}
	if p.MTU != 0 {
		v.check(p.MTU >= minMTU && p.MTU+headroom(n+1) <= maxMTU, "%s: mtu %d is not in %d to %d",
			at, p.MTU, minMTU, maxMTU-headroom(n+1))
	}
}

// peers checks the outside of the Peers. What is inside is agent/peer's
// business: one that is wrong takes no other lane with it.
func (v *validator) peers(c *Config) {
	lanes := make(map[string]bool) // by peer
	for i := range c.Policies {
		for _, p := range c.Policies[i].Paths {
			if p.Lane != nil {
				lanes[p.Lane.Peer] = true
			}
		}
	}
	for i, p := range c.Peers {
		at := fmt.Sprintf("peers[%d] %s", i, p.Node)
		v.check(lanes[p.Node], "%s: no lane leads to it", at)
		v.check(i == 0 || c.Peers[i-1].Node < p.Node, "%s: is not after %s: twice, or not sorted", at, c.Peers[max(i-1, 0)].Node)
		for _, b := range []struct {
			what string
			len  int
			max  int
		}{{"certificate", len(p.Certificate), maxCertificate}, {"identity", len(p.Identity), maxIdentity}} {
			v.check(b.len >= 1 && b.len <= b.max, "%s: %s of %d bytes, must be 1 to %d", at, b.what, b.len, b.max)
		}
		v.check(len(p.WireGuard) == wireGuardKey, "%s: wireguard key of %d bytes, must be %d", at, len(p.WireGuard), wireGuardKey)
	}
}

// tunnels are where the packets go that encapsulation makes.
type tunnels struct {
	sids  []netip.Addr // sorted
	tails []netip.Prefix
}

func (c *Config) tunnels() tunnels {
	var all tunnels
	sids, tails := map[netip.Addr]bool{}, map[netip.Prefix]bool{}
	for i := range c.Policies {
		for _, p := range c.Policies[i].Paths {
			for _, s := range append([]netip.Addr{p.Decap.IPv4, p.Decap.IPv6}, p.Segments...) {
				sids[s] = true
			}
			tails[p.Tail] = true
		}
	}
	all.sids = slices.SortedFunc(maps.Keys(sids), netip.Addr.Compare)
	all.tails = slices.Collect(maps.Keys(tails))
	return all
}

// steersItself says whether a selector matches packets that encapsulation
// makes: from the node's loopback to a SID.
func (v *validator) steersItself(c *Config, t Selector) bool {
	if !t.From.Overlaps(c.Locator) {
		return false
	}
	if v.tunnels == nil {
		all := c.tunnels()
		v.tunnels = &all
	}
	i, _ := slices.BinarySearchFunc(v.tunnels.sids, t.To.Addr(), netip.Addr.Compare)
	return i < len(v.tunnels.sids) && t.To.Contains(v.tunnels.sids[i]) || slices.ContainsFunc(v.tunnels.tails, t.To.Overlaps)
}

func isPrefix(p netip.Prefix) bool {
	return p.IsValid() && p == p.Masked() && !p.Addr().Is4In6()
}

func isUnicast6(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
}

// isInterface says whether a name can be that of a link's interface; it is
// also a directory below /proc/sys.
func isInterface(name string) bool {
	switch name {
	case "", ".", "..", "lo", "all", "default":
		return false
	}
	return len(name) <= 15 && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == '/' || r == ':' || r == 0x7f
	})
}
