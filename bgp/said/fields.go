package said

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
)

// Field is one attribute of nodes, links, prefixes or SIDs.
type Field[A ls.Attribute, T any] struct {
	Name string

	id    uint8
	get   func(A) (T, bool)
	equal func(a, b T) bool
	same  func(a, b T) bool // of two speakers: one may have rounded it
}

// field is a Field of any attribute.
type field interface {
	differs(before, after ls.Attribute) bool
	show(ws Words) (Shown, bool)
}

// fields are all there are, by their number.
var fields []field

func newField[A ls.Attribute, T any](name string, get func(A) (T, bool), equal func(a, b T) bool) *Field[A, T] {
	f := &Field[A, T]{Name: name, id: uint8(len(fields)), get: get, equal: equal, same: equal}
	fields = append(fields, f)
	return f
}

// opt is a field of a value that may be left out.
func opt[A ls.Attribute, T comparable](name string, get func(A) ls.Opt[T]) *Field[A, T] {
	return newField(name, func(a A) (T, bool) { return get(a).Get() }, func(a, b T) bool { return a == b })
}

// list is a field of a list, of which an empty one says nothing.
func list[A ls.Attribute, T any](name string, get func(A) []T) *Field[A, []T] {
	return newField(name, func(a A) ([]T, bool) { v := get(a); return v, len(v) > 0 },
		func(a, b []T) bool { return reflect.DeepEqual(a, b) })
}

func text[A ls.Attribute](name string, get func(A) string) *Field[A, string] {
	return newField(name, func(a A) (string, bool) { v := get(a); return v, v != "" }, func(a, b string) bool { return a == b })
}

func rate(name string, get func(*ls.LinkAttribute) ls.Opt[ls.BitsPerSecond]) *Field[*ls.LinkAttribute, ls.BitsPerSecond] {
	f := opt(name, get)
	f.same = ls.BitsPerSecond.Agrees
	return f
}

// Attributes of nodes.
var (
	Topologies       = list("topologies", func(a *ls.NodeAttribute) []ls.MultiTopologyID { return a.Topologies })
	NodeMSDs         = list("msds", func(a *ls.NodeAttribute) []ls.MSD { return a.MSDs })
	Flags            = opt("flags", func(a *ls.NodeAttribute) ls.Opt[ls.NodeFlags] { return a.Flags })
	NodeName         = text("name", func(a *ls.NodeAttribute) string { return a.Name })
	Areas            = list("areas", func(a *ls.NodeAttribute) [][]byte { return a.Areas })
	IPv4RouterIDs    = list("ipv4-router-ids", func(a *ls.NodeAttribute) []netip.Addr { return a.IPv4RouterIDs })
	IPv6RouterIDs    = list("ipv6-router-ids", func(a *ls.NodeAttribute) []netip.Addr { return a.IPv6RouterIDs })
	SRAlgorithms     = list("sr-algorithms", func(a *ls.NodeAttribute) []uint8 { return a.SRAlgorithms })
	SRv6Capabilities = opt("srv6-capabilities", func(a *ls.NodeAttribute) ls.Opt[ls.SRv6Capabilities] { return a.SRv6Capabilities })
	FlexAlgorithms   = list("flex-algorithms", func(a *ls.NodeAttribute) []ls.FlexAlgorithmDefinition { return a.FlexAlgorithms })
	NodeRaw          = list("other-tlvs", func(a *ls.NodeAttribute) []ls.TLV { return a.Raw })
)

// Attributes of links. Those that may differ by application are the ones for SR
// Policy.
var (
	Identifiers         = opt("identifiers", func(a *ls.LinkAttribute) ls.Opt[ls.LinkIdentifiers] { return a.Identifiers })
	LinkMSDs            = list("msds", func(a *ls.LinkAttribute) []ls.MSD { return a.MSDs })
	LocalIPv4RouterIDs  = list("local-ipv4-router-ids", func(a *ls.LinkAttribute) []netip.Addr { return a.LocalIPv4RouterIDs })
	LocalIPv6RouterIDs  = list("local-ipv6-router-ids", func(a *ls.LinkAttribute) []netip.Addr { return a.LocalIPv6RouterIDs })
	RemoteIPv4RouterIDs = list("remote-ipv4-router-ids", func(a *ls.LinkAttribute) []netip.Addr { return a.RemoteIPv4RouterIDs })
	RemoteIPv6RouterIDs = list("remote-ipv6-router-ids", func(a *ls.LinkAttribute) []netip.Addr { return a.RemoteIPv6RouterIDs })
	MaxBandwidth        = rate("max-bandwidth", func(a *ls.LinkAttribute) ls.Opt[ls.BitsPerSecond] { return a.MaxBandwidth })
	ReservableBandwidth = rate("reservable-bandwidth", func(a *ls.LinkAttribute) ls.Opt[ls.BitsPerSecond] { return a.ReservableBandwidth })
	UnreservedBandwidth = opt("unreserved-bandwidth", func(a *ls.LinkAttribute) ls.Opt[[8]ls.BitsPerSecond] { return a.UnreservedBandwidth })
	IGPMetric           = opt("igp-metric", func(a *ls.LinkAttribute) ls.Opt[ls.IGPMetric] { return a.IGPMetric })
	LinkName            = text("name", func(a *ls.LinkAttribute) string { return a.Name })
	EndX                = list("end-x", func(a *ls.LinkAttribute) []ls.EndX { return a.EndX })
	ISISLANEndX         = list("isis-lan-end-x", func(a *ls.LinkAttribute) []ls.LANEndX { return a.ISISLANEndX })
	OSPFv3LANEndX       = list("ospfv3-lan-end-x", func(a *ls.LinkAttribute) []ls.LANEndX { return a.OSPFv3LANEndX })
	AdminGroup          = opt("admin-group", te(func(t *ls.TEAttributes) ls.Opt[uint32] { return t.AdminGroup }))
	TEMetric            = opt("te-metric", te(func(t *ls.TEAttributes) ls.Opt[uint32] { return t.TEDefaultMetric }))
	SRLGs               = list("srlgs", teList(func(t *ls.TEAttributes) []uint32 { return t.SRLGs }))
	Delay               = opt("delay", te(func(t *ls.TEAttributes) ls.Opt[ls.Delay] { return t.Delay }))
	MinMaxDelay         = opt("min-max-delay", te(func(t *ls.TEAttributes) ls.Opt[ls.MinMaxDelay] { return t.MinMaxDelay }))
	DelayVariation      = opt("delay-variation", te(func(t *ls.TEAttributes) ls.Opt[ls.Microseconds] { return t.DelayVariation }))
	Loss                = opt("loss", te(func(t *ls.TEAttributes) ls.Opt[ls.LinkLoss] { return t.Loss }))
	ResidualBandwidth   = rate("residual-bandwidth", te(func(t *ls.TEAttributes) ls.Opt[ls.BitsPerSecond] { return t.ResidualBandwidth }))
	AvailableBandwidth  = rate("available-bandwidth", te(func(t *ls.TEAttributes) ls.Opt[ls.BitsPerSecond] { return t.AvailableBandwidth }))
	UtilizedBandwidth   = rate("utilized-bandwidth", te(func(t *ls.TEAttributes) ls.Opt[ls.BitsPerSecond] { return t.UtilizedBandwidth }))
	ExtendedAdminGroup  = list("extended-admin-group", teList(func(t *ls.TEAttributes) []uint32 { return t.ExtendedAdminGroup }))
	LinkRaw             = list("other-tlvs", func(a *ls.LinkAttribute) []ls.TLV { return a.Raw })
	// Applications are the attributes by application, as they were sent.
	Applications = list("applications", func(a *ls.LinkAttribute) []ls.ApplicationAttributes { return a.Applications })
	// direct are those that are sent for no application, as they were sent.
	direct = newField("for all applications", func(a *ls.LinkAttribute) (*ls.TEAttributes, bool) { return &a.TEAttributes, true },
		func(a, b *ls.TEAttributes) bool { return reflect.DeepEqual(a, b) })
)

// Attributes of prefixes.
var (
	PrefixFlexMetrics    = list("flex-algorithm-metrics", func(a *ls.PrefixAttribute) []ls.FlexAlgorithmMetric { return a.FlexAlgorithmMetrics })
	PrefixFlags          = opt("flags", func(a *ls.PrefixAttribute) ls.Opt[ls.IGPFlags] { return a.Flags })
	PrefixMetric         = opt("metric", func(a *ls.PrefixAttribute) ls.Opt[uint32] { return a.Metric })
	PrefixAttributeFlags = list("attribute-flags", func(a *ls.PrefixAttribute) []byte { return a.AttributeFlags })
	PrefixRaw            = list("other-tlvs", func(a *ls.PrefixAttribute) []ls.TLV { return a.Raw })
	// Locator is known of prefixes that are an SRv6 locator.
	Locator = newField("locator", func(a *ls.PrefixAttribute) (ls.SRv6Locator, bool) { return a.Locator.Get() },
		func(a, b ls.SRv6Locator) bool { return reflect.DeepEqual(a, b) })
)

// Attributes of SRv6 SIDs that are no adjacency's.
var (
	Behavior  = opt("behavior", func(a *ls.SRv6SIDAttribute) ls.Opt[ls.EndpointBehavior] { return a.EndpointBehavior })
	PeerNodes = list("peers", func(a *ls.SRv6SIDAttribute) []ls.PeerNode { return a.PeerNodes })
	Structure = opt("structure", func(a *ls.SRv6SIDAttribute) ls.Opt[ls.SIDStructure] { return a.Structure })
	SIDRaw    = list("other-tlvs", func(a *ls.SRv6SIDAttribute) []ls.TLV { return a.Raw })
)

// OpaqueRaw is all there is of an object of a type without a meaning here.
var OpaqueRaw = list("tlvs", func(a *ls.OpaqueAttribute) []ls.TLV { return a.Raw })

// te reads an attribute that may differ by application: of SR Policy, if the
// link has it for that application; else for all that have none of their own;
// else that of the link (RFC 9294, RFC 9479 section 4.2).
func te[T any](get func(*ls.TEAttributes) ls.Opt[T]) func(*ls.LinkAttribute) ls.Opt[T] {
	return func(a *ls.LinkAttribute) ls.Opt[T] {
		own := slices.ContainsFunc(a.Applications, func(app ls.ApplicationAttributes) bool { return app.Standard.Has(ls.SRPolicy) })
		for i := range a.Applications {
			app := &a.Applications[i]
			if !app.For(ls.SRPolicy) || own && !app.Standard.Has(ls.SRPolicy) {
				continue
			}
			if v := get(&app.TEAttributes); v.Known {
				return v
			}
		}
		return get(&a.TEAttributes)
	}
}

func teList(get func(*ls.TEAttributes) []uint32) func(*ls.LinkAttribute) []uint32 {
	known := te(func(t *ls.TEAttributes) ls.Opt[[]uint32] {
		v := get(t)
		return ls.Opt[[]uint32]{Value: v, Known: v != nil}
	})
	return func(a *ls.LinkAttribute) []uint32 { return known(a).Value }
}

func (f *Field[A, T]) differs(before, after ls.Attribute) bool {
	a, knownA := f.of(&Word{Attribute: before})
	b, knownB := f.of(&Word{Attribute: after})
	return knownA != knownB || knownA && !f.equal(a, b)
}

// Shown is an attribute as text, for people.
type Shown struct {
	Name string
	Value[string]
}

// Show lists what is known of an object, each attribute with who said it.
func Show(ws Words) (out []Shown) {
	for _, f := range fields {
		if s, known := f.show(ws); known && f != field(direct) {
			out = append(out, s)
		}
	}
	return out
}

func (f *Field[A, T]) show(ws Words) (Shown, bool) {
	v := Read(ws, f)
	s := Shown{f.Name, Value[string]{Value: words(v.Value), Known: v.Known, By: v.By, Since: v.Since, Stale: v.Stale}}
	for _, o := range v.Others {
		s.Others = append(s.Others, Other[string]{o.Peer, words(o.Value), o.Since})
	}
	return s, v.Known
}

// words writes a value as text.
func words(v any) string {
	switch v := v.(type) {
	case ls.BitsPerSecond:
		return fmt.Sprintf("%dbps", v)
	case ls.Microseconds:
		return fmt.Sprintf("%dus", v)
	case ls.Delay:
		return words(v.Delay) + mark(v.Anomalous)
	case ls.MinMaxDelay:
		return words(v.Min) + "-" + words(v.Max) + mark(v.Anomalous)
	case ls.LinkLoss:
		return v.Loss.String() + mark(v.Anomalous)
	case ls.IGPMetric:
		return fmt.Sprint(v.Metric)
	case ls.LinkIdentifiers:
		return fmt.Sprintf("%d-%d", v.Local, v.Remote)
	case []ls.EndX:
		return each(v, func(x ls.EndX) string { return sid(x) })
	case []ls.LANEndX:
		return each(v, func(x ls.LANEndX) string { return sid(x.EndX) + " to " + x.Neighbor.String() })
	case []ls.MSD:
		return each(v, func(m ls.MSD) string { return fmt.Sprintf("%d:%d", m.Type, m.Value) })
	case []ls.TLV:
		return each(v, func(t ls.TLV) string { return fmt.Sprintf("%d:%x", t.Type, t.Value) })
	case [][]byte:
		return each(v, func(b []byte) string { return fmt.Sprintf("%x", b) })
	}
	return fmt.Sprint(v)
}

func sid(x ls.EndX) string {
	return fmt.Sprintf("%v behavior %d algorithm %d flags %#x weight %d", x.SID, x.Behavior, x.Algorithm, uint8(x.Flags), x.Weight)
}

func mark(anomalous bool) string {
	if anomalous {
		return " (anomalous)"
	}
	return ""
}

func each[T any](list []T, text func(T) string) string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = text(list[i])
	}
	return strings.Join(out, ", ")
}
