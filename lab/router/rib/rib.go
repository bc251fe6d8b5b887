// Package rib is what a lab's router (lab/router) tells of itself over a unix
// socket: the SR Policies and colored routes that it has learned by BGP, and what
// of them it has installed. The router fills it, and the demo and tests read it. It
// is apart from the router so that who reads it need not link gobgp.
package rib

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// RIB is what a router has learned, SR Policies and colored routes, and what of
// it is in the kernel.
type RIB struct {
	Candidates []Candidate
	Routes     []Colored
	Installed  []Installed
}

// Installed is a route into a path: what is for a prefix leaves over an
// interface with these segments. Without an interface it is dropped.
type Installed struct {
	Prefix    netip.Prefix
	Interface string
	Segments  []netip.Addr
}

// Equal reports whether two are the same.
func (i Installed) Equal(o Installed) bool {
	return i.Prefix == o.Prefix && i.Interface == o.Interface && slices.Equal(i.Segments, o.Segments)
}

// Policy names an SR Policy at its headend (RFC 9256 section 2.1).
type Policy struct {
	Color    uint32
	Endpoint netip.Addr
}

// Candidate is a candidate path, as it stands in the RIB.
type Candidate struct {
	Policy
	Distinguisher uint32
	Preference    uint32
	Priority      uint8
	Name          string
	// Drop is Drop-Upon-Invalid: what the policy would carry is dropped while it
	// has no valid path (RFC 9256 section 8.2).
	Drop  bool
	Lists []SegmentList
}

// SegmentList is one of a Candidate's.
type SegmentList struct {
	Weight   uint32
	Segments []netip.Addr
}

// Colored is a colored route.
type Colored struct {
	Prefix  netip.Prefix
	NextHop netip.Addr
	Colors  []uint32   // the greatest first
	Service netip.Addr // SRv6 L3 Service SID; invalid: there is none
}

// Better puts the candidate path that is taken first (RFC 9256 section 2.9), by
// what those of one speaker differ in.
func Better(a, b Candidate) int {
	return cmp.Or(cmp.Compare(b.Preference, a.Preference), cmp.Compare(b.Distinguisher, a.Distinguisher))
}

// Read asks the router that listens on a unix socket.
func Read(ctx context.Context, socket string) (RIB, error) {
	var rib RIB
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return rib, err
	}
	defer conn.Close()
	if err := json.NewDecoder(conn).Decode(&rib); err != nil {
		return rib, fmt.Errorf("read the RIB at %s: %w", socket, err)
	}
	return rib, nil
}

// Sort puts what is there in an order that does not change by itself: of a policy
// the candidate path that is taken first comes first.
func (r *RIB) Sort() {
	slices.SortFunc(r.Candidates, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), a.Endpoint.Compare(b.Endpoint), Better(a, b))
	})
	slices.SortFunc(r.Routes, func(a, b Colored) int { return a.Prefix.Compare(b.Prefix) })
}

// String is the RIB for people.
func (r *RIB) String() string {
	var b strings.Builder
	for i, c := range r.Candidates {
		if i == 0 || c.Policy != r.Candidates[i-1].Policy {
			fmt.Fprintf(&b, "policy color %d endpoint %v\n", c.Color, c.Endpoint)
		}
		fmt.Fprintf(&b, "  candidate path %d preference %d %s", c.Distinguisher, c.Preference, c.Name)
		if c.Drop {
			b.WriteString(" drop upon invalid")
		}
		b.WriteByte('\n')
		for _, l := range c.Lists {
			fmt.Fprintf(&b, "    weight %d segments %s\n", l.Weight, Join(l.Segments))
		}
	}
	for _, c := range r.Routes {
		fmt.Fprintf(&b, "route %v next hop %v colors %v", c.Prefix, c.NextHop, c.Colors)
		if c.Service.IsValid() {
			fmt.Fprintf(&b, " service SID %v", c.Service)
		}
		b.WriteByte('\n')
	}
	for _, i := range r.Installed {
		if i.Interface == "" {
			fmt.Fprintf(&b, "installed unreachable %v\n", i.Prefix)
			continue
		}
		fmt.Fprintf(&b, "installed %v dev %s segments %s\n", i.Prefix, i.Interface, Join(i.Segments))
	}
	return b.String()
}

// Join writes a segment list.
func Join(list []netip.Addr) string {
	var words []string
	for _, a := range list {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}
