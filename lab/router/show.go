package router

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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

// serve gives everybody who connects to a unix socket the RIB as it is then,
// until ctx ends. gobgp's own API would do, but it ends the program over a
// segment list without a weight (v4.8.0, NewTunnelEncapAttributeFromNative).
func serve(ctx context.Context, socket string, rib func() (RIB, error)) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			found, err := rib()
			if err == nil {
				_ = json.NewEncoder(conn).Encode(found) // who went away misses nothing
			}
			conn.Close()
		}
	}()
	return nil
}

// ReadRIB asks the router that listens on a unix socket.
func ReadRIB(ctx context.Context, socket string) (RIB, error) {
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

func (r *RIB) sort() {
	slices.SortFunc(r.Candidates, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), a.Endpoint.Compare(b.Endpoint), better(a, b))
	})
	slices.SortFunc(r.Routes, func(a, b Colored) int { return a.Prefix.Compare(b.Prefix) })
}

// String is the RIB for people.
func (r *RIB) String() string {
	var b strings.Builder
	for _, c := range r.Candidates {
		fmt.Fprintf(&b, "policy color %d endpoint %v\n  candidate path %d preference %d %s", c.Color, c.Endpoint, c.Distinguisher, c.Preference, c.Name)
		if c.Drop {
			b.WriteString(" drop upon invalid")
		}
		b.WriteByte('\n')
		for _, l := range c.Lists {
			fmt.Fprintf(&b, "    weight %d segments %s\n", l.Weight, join(l.Segments))
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
		fmt.Fprintf(&b, "installed %v dev %s segments %s\n", i.Prefix, i.Interface, join(i.Segments))
	}
	return b.String()
}
