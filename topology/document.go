package topology

import (
	"encoding"
	"fmt"
	"net/netip"
)

// APIVersion and DocumentKind head a topology document.
const (
	APIVersion   = "keiro/v1"
	DocumentKind = "Topology"
)

// document is the file form of a Topology, in YAML and in JSON. A pointer or
// list that is nil was not given.
type document struct {
	APIVersion string      `json:"apiVersion" strict:"required"`
	Kind       string      `json:"kind" strict:"required"`
	Metadata   metadataDoc `json:"metadata" strict:"required,flow"`
	Spec       specDoc     `json:"spec" strict:"required"`
}

type metadataDoc struct {
	Name string `json:"name" strict:"required"`
}

type specDoc struct {
	Defaults *defaultsDoc `json:"defaults,omitzero"`
	Sites    []siteDoc    `json:"sites,omitzero" strict:"flow"`
	Nodes    []nodeDoc    `json:"nodes,omitzero" strict:"flow"`
	Links    []linkDoc    `json:"links,omitzero"`
	SRLGs    []srlgDoc    `json:"srlgs,omitzero" strict:"flow"`
}

// defaultsDoc gives what an entry leaves out.
type defaultsDoc struct {
	Link struct {
		directionDoc
		sharedDoc
	} `json:"link"`
}

type siteDoc struct {
	Name    string   `json:"name" strict:"required"`
	Country string   `json:"country,omitzero"`
	Region  string   `json:"region,omitzero"`
	Lat     *float64 `json:"lat,omitzero"`
	Lon     *float64 `json:"lon,omitzero"`
}

type nodeDoc struct {
	Name     string            `json:"name" strict:"required"`
	Site     string            `json:"site,omitzero"`
	Operator string            `json:"operator,omitzero"`
	Labels   map[string]string `json:"labels,omitzero"`
	Locator  *locator          `json:"locator,omitzero"`
	Evidence *int64            `json:"evidence,omitzero"`
	RouterID *routerID         `json:"routerID,omitzero"`
	Agent    *bool             `json:"agent,omitzero"`
	Steering string            `json:"steering,omitzero"`
	Guard    string            `json:"guard,omitzero"`
}

// locator is an SRv6 locator.
type locator struct {
	netip.Prefix
}

func (l *locator) UnmarshalText(text []byte) (err error) {
	l.Prefix, err = ParseLocator(string(text))
	return err
}

// routerID is an address or an IS-IS system ID, in the form in which it is
// compared.
type routerID struct {
	string
}

func (r *routerID) UnmarshalText(text []byte) (err error) {
	r.string, err = ParseRouterID(string(text))
	return err
}

func (r routerID) MarshalText() ([]byte, error) { return []byte(r.string), nil }

type srlgDoc struct {
	Name   string `json:"name" strict:"required"`
	Number *int64 `json:"number" strict:"required"`
}

type linkDoc struct {
	Name string `json:"name,omitzero"`
	A    string `json:"a" strict:"required"`
	B    string `json:"b" strict:"required"`
	directionDoc
	sharedDoc
	Route      [][]float64       `json:"route,omitzero" strict:"flow"`
	Labels     map[string]string `json:"labels,omitzero" strict:"flow"`
	Interfaces *interfacesDoc    `json:"interfaces,omitzero" strict:"flow"`
	Addresses  *addressesDoc     `json:"addresses,omitzero" strict:"flow"`
	BA         *directionDoc     `json:"ba,omitzero" strict:"flow"`
}

// directionDoc is what may differ between the directions of an entry.
type directionDoc struct {
	Metric   *int64             `json:"metric,omitzero"`
	Capacity *stated[Bandwidth] `json:"capacity,omitzero"`
	Delay    *stated[Delay]     `json:"delay,omitzero"`
	// Derived marks what is stated beside it and computed from other values,
	// such as a delay from the places of the ends.
	Derived []string `json:"derived,omitzero" strict:"flow"`
}

// The values that can be marked as derived.
const (
	capacityKey = "capacity"
	delayKey    = "delay"
)

// sharedDoc is what both directions share and `defaults` may give.
type sharedDoc struct {
	SRLGs    []string `json:"srlgs,omitzero" strict:"flow"`
	Operator string   `json:"operator,omitzero"`
	QKD      *bool    `json:"qkd,omitzero"`
}

type interfacesDoc struct {
	A string `json:"a,omitzero"`
	B string `json:"b,omitzero"`
}

type addressesDoc struct {
	A *address `json:"a,omitzero"`
	B *address `json:"b,omitzero"`
}

// address is that of an interface.
type address struct {
	netip.Addr
}

func (a *address) UnmarshalText(text []byte) (err error) {
	a.Addr, err = ParseInterfaceAddress(string(text))
	return err
}

// stated is a quantity that an entry states: a value, or `unknown` where it
// should not be what `defaults` or the other direction say.
type stated[T fmt.Stringer] struct {
	Attr[T]
}

func (s *stated[T]) UnmarshalText(text []byte) error {
	s.Attr = Attr[T]{}
	if string(text) == "unknown" {
		return nil
	}
	var v T
	if err := any(&v).(encoding.TextUnmarshaler).UnmarshalText(text); err != nil {
		return err
	}
	s.Attr = Declare(v)
	return nil
}

func (s stated[T]) MarshalText() ([]byte, error) {
	if v, ok := s.Get(); ok {
		return []byte(v.String()), nil
	}
	return []byte("unknown"), nil
}
