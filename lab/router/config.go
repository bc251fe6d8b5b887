package router

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Kind is that of a router's document.
const Kind = "LabRouter"

// Config is what a router's operator configures. One file holds those of
// several routers:
//
//	apiVersion: keiro/v1
//	kind: LabRouter
//	metadata: {name: nag1}
//	spec:
//	  as: 65000
//	  routerID: 10.255.0.3
//	  locator: "5f00:0:1003::/48"
//	  neighbors:
//	    - {address: "fd00::1"}
//	  links:
//	    - {interface: eth1, neighbor: 10.255.0.4, metric: 10, bandwidth: 1Gbps, delay: 2ms, srlgs: [101]}
//	  routes:
//	    - {to: "5f00:0:1004::/48", interface: eth1}
type Config struct {
	Name string
	AS   uint32
	// RouterID is the BGP Identifier and the IPv4 router ID (TLV 1028). The
	// IS-IS system ID follows from it, as is the custom: 10.255.0.3 is
	// 0102.5500.0003.
	RouterID  netip.Addr
	Locator   netip.Prefix
	Neighbors []Neighbor
	Links     []Link // in the order of the file; the nth has number n+1
	// Routes are static, in place of what an IGP would find. No path needs them: by
	// them comes what a router answers, such as to a traceroute.
	Routes []Route
}

// Neighbor is a BGP speaker of the same AS, which is dialed.
type Neighbor struct {
	Address netip.Addr
	Port    uint16 // 0: that of BGP
}

// Link is a link to another router, or to a node with an agent. The interface
// has an IPv6 address of a /127, and the neighbor the other one.
type Link struct {
	Interface string
	Neighbor  netip.Addr // its router ID
	Metric    uint32     // IGP and TE metric
	Bandwidth topology.Bandwidth
	Delay     topology.Delay // 0: not known
	SRLGs     []uint32
}

// Route leads to a prefix over a link, by its index.
type Route struct {
	To   netip.Prefix
	Link int
}

// Parse reads the routers of a file. All mistakes are returned at once.
func Parse(file string, data []byte) ([]*Config, error) {
	docs, errs := strictyaml.Documents(file, data)
	docs, more := strictyaml.Select(docs, topology.APIVersion, Kind)
	errs = append(errs, more...)
	var out []*Config
	for _, d := range docs {
		var doc document
		c := d.Check(&doc)
		cfg := doc.config(c)
		c.Check("metadata.name", topology.CheckName(cfg.Name))
		if slices.ContainsFunc(out, func(o *Config) bool { return o.Name == cfg.Name }) {
			c.Fail("metadata.name", "there is a router %s already", cfg.Name)
		}
		errs = append(errs, c.Errors...)
		out = append(out, cfg)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// Find is the router of that name.
func Find(routers []*Config, name string) (*Config, error) {
	for _, r := range routers {
		if r.Name == name {
			return r, nil
		}
	}
	return nil, fmt.Errorf("no router %s in the file", name)
}

type document struct {
	APIVersion string `json:"apiVersion" strict:"required"`
	Kind       string `json:"kind" strict:"required"`
	Metadata   struct {
		Name string `json:"name" strict:"required"`
	} `json:"metadata" strict:"required"`
	Spec struct {
		AS        int64  `json:"as" strict:"required"`
		RouterID  string `json:"routerID" strict:"required"`
		Locator   string `json:"locator" strict:"required"`
		Neighbors []struct {
			Address string `json:"address" strict:"required"`
			Port    int64  `json:"port"`
		} `json:"neighbors"`
		Links []struct {
			Interface string             `json:"interface" strict:"required"`
			Neighbor  string             `json:"neighbor" strict:"required"`
			Metric    *int64             `json:"metric"`
			Bandwidth topology.Bandwidth `json:"bandwidth"`
			Delay     topology.Delay     `json:"delay"`
			SRLGs     []int64            `json:"srlgs"`
		} `json:"links"`
		Routes []struct {
			To        netip.Prefix `json:"to" strict:"required"`
			Interface string       `json:"interface" strict:"required"`
		} `json:"routes"`
	} `json:"spec" strict:"required"`
}

// The bounds of what the TLVs carry: 24 bits of a wide IS-IS metric, of which
// the greatest takes a link out of use (RFC 5305 section 3), 24 of a delay.
const (
	maxMetric = 1<<24 - 2
	maxDelay  = 1<<24 - 1
	maxUint32 = 1<<32 - 1
)

func (doc *document) config(c *strictyaml.Checker) *Config {
	s := &doc.Spec
	cfg := &Config{Name: doc.Metadata.Name, AS: uint32(number(c, "spec.as", s.AS, 1, maxUint32)), RouterID: address4(c, "spec.routerID", s.RouterID)}
	var err error
	cfg.Locator, err = topology.ParseLocator(s.Locator)
	c.Check("spec.locator", err)
	for i, n := range s.Neighbors {
		at := strictyaml.Index("spec.neighbors", i)
		a, err := topology.ParseInterfaceAddress(n.Address)
		c.Check(at+".address", err)
		cfg.Neighbors = append(cfg.Neighbors, Neighbor{Address: a, Port: uint16(number(c, at+".port", n.Port, 0, 65535))})
	}
	for i, l := range s.Links {
		at := strictyaml.Index("spec.links", i)
		c.Check(at+".interface", topology.CheckInterface(l.Interface))
		link := Link{Interface: l.Interface, Neighbor: address4(c, at+".neighbor", l.Neighbor), Metric: 1, Bandwidth: l.Bandwidth, Delay: l.Delay}
		if slices.ContainsFunc(cfg.Links, func(o Link) bool { return o.Interface == l.Interface }) {
			c.Fail(at+".interface", "%s has a link already", l.Interface)
		}
		if l.Metric != nil {
			link.Metric = uint32(number(c, at+".metric", *l.Metric, 1, maxMetric))
		}
		number(c, at+".delay", int64(l.Delay), 0, maxDelay)
		for n, srlg := range l.SRLGs {
			link.SRLGs = append(link.SRLGs, uint32(number(c, strictyaml.Index(at+".srlgs", n), srlg, 0, maxUint32)))
		}
		cfg.Links = append(cfg.Links, link)
	}
	for i, r := range s.Routes {
		at := strictyaml.Index("spec.routes", i)
		if !r.To.Addr().Is6() || r.To != r.To.Masked() {
			c.Fail(at+".to", "bad prefix %v: want one of IPv6 without bits behind its length", r.To)
		}
		link := slices.IndexFunc(cfg.Links, func(l Link) bool { return l.Interface == r.Interface })
		if link < 0 {
			c.Fail(at+".interface", "no link has interface %s", r.Interface)
		}
		cfg.Routes = append(cfg.Routes, Route{To: r.To, Link: link})
	}
	return cfg
}

func number(c *strictyaml.Checker, path string, n, least, most int64) int64 {
	if n < least || n > most {
		c.Fail(path, "bad number %d: want %d to %d", n, least, most)
		return least
	}
	return n
}

func address4(c *strictyaml.Checker, path, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() || !a.IsGlobalUnicast() {
		c.Fail(path, "bad router ID %.80q: want an IPv4 address", text)
		return netip.IPv4Unspecified()
	}
	return a
}

// The functions of the SIDs (RFC 8986 section 3.1: LOC:FUNCT:ARG, 48:16:64).
const (
	functEnd    = 1
	functEndDT6 = 0xd6
	functEndDT4 = 0xd4
	functEndX   = 0xe000 // + number of the link
)

func (cfg *Config) sid(funct int) netip.Addr {
	b := cfg.Locator.Addr().As16()
	binary.BigEndian.PutUint16(b[6:], uint16(funct))
	return netip.AddrFrom16(b)
}

func (cfg *Config) endX(link int) netip.Addr { return cfg.sid(functEndX + link + 1) }

// Loopback is the router's IPv6 router ID (TLV 1029), and where encapsulated
// packets come from.
func (cfg *Config) Loopback() netip.Addr { return cfg.Locator.Addr().Next() }

// systemID writes a router ID as an IS-IS system ID: its decimal digits, three
// an octet, in groups of four.
func systemID(routerID netip.Addr) string {
	a := routerID.As4()
	s := fmt.Sprintf("%03d%03d%03d%03d", a[0], a[1], a[2], a[3])
	return s[:4] + "." + s[4:8] + "." + s[8:]
}
