package router

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/keiro-net/keiro/lab/router/rib"
)

// Of what is not said, the defaults of RFC 9256 sections 2.7, 2.11 and 2.12.
const (
	defaultPreference = 100
	defaultPriority   = 128
	defaultWeight     = 1
)

// dropUponInvalid is the I-Flag of a binding SID (RFC 9830 sections 2.4.2, 2.4.3).
const dropUponInvalid = 0x40

// candidate reads a route of an SR rib.Policy family.
func candidate(nlri bgp.NLRI, attrs []bgp.PathAttributeInterface) (rib.Candidate, bool) {
	n, ok := nlri.(*bgp.SRPolicyNLRI)
	if !ok {
		return rib.Candidate{}, false
	}
	endpoint, ok := netip.AddrFromSlice(n.Endpoint)
	c := rib.Candidate{Policy: rib.Policy{Color: n.Color, Endpoint: endpoint}, Distinguisher: n.Distinguisher, Preference: defaultPreference, Priority: defaultPriority}
	found := false
	for _, a := range attrs {
		tunnels, is := a.(*bgp.PathAttributeTunnelEncap)
		if !is {
			continue
		}
		for _, t := range tunnels.Value {
			if t.Type == bgp.TUNNEL_TYPE_SR_POLICY {
				found = true
				read(&c, t.Value)
			}
		}
	}
	return c, ok && found
}

func read(c *rib.Candidate, tlvs []bgp.TunnelEncapSubTLVInterface) {
	for _, tlv := range tlvs {
		switch tlv := tlv.(type) {
		case *bgp.TunnelEncapSubTLVSRPreference:
			c.Preference = tlv.Preference
		case *bgp.TunnelEncapSubTLVSRPriority:
			c.Priority = tlv.Priority
		case *bgp.TunnelEncapSubTLVSRBSID:
			c.Drop = c.Drop || tlv.Flags&dropUponInvalid != 0
		case *bgp.TunnelEncapSubTLVSRv6BSID:
			c.Drop = c.Drop || tlv.Flags&dropUponInvalid != 0
		case *bgp.TunnelEncapSubTLVSRCandidatePathName:
			c.Name = tlv.CandidatePathName
		case *bgp.TunnelEncapSubTLVSRSegmentList:
			list := rib.SegmentList{Weight: defaultWeight}
			if tlv.Weight != nil {
				list.Weight = tlv.Weight.Weight
			}
			for _, s := range tlv.Segments {
				b, is := s.(*bgp.SegmentTypeB)
				sid, ok := netip.Addr{}, false
				if is {
					sid, ok = netip.AddrFromSlice(b.SID)
				}
				if !ok {
					list.Segments = nil // of a type that is not installed here
					break
				}
				list.Segments = append(list.Segments, sid)
			}
			c.Lists = append(c.Lists, list)
		}
	}
}

// colored reads a unicast route. Without a color it is none of ours.
func colored(nlri bgp.NLRI, attrs []bgp.PathAttributeInterface) (rib.Colored, bool) {
	n, ok := nlri.(*bgp.IPAddrPrefix)
	if !ok {
		return rib.Colored{}, false
	}
	r := rib.Colored{Prefix: n.Prefix}
	for _, a := range attrs {
		switch a := a.(type) {
		case *bgp.PathAttributeNextHop:
			r.NextHop = a.Value
		case *bgp.PathAttributeMpReachNLRI:
			r.NextHop = a.Nexthop
		case *bgp.PathAttributeExtendedCommunities:
			for _, e := range a.Value {
				if c, is := e.(*bgp.ColorExtended); is {
					r.Colors = append(r.Colors, c.Color)
				}
			}
		case *bgp.PathAttributePrefixSID:
			r.Service = serviceSID(a)
		}
	}
	slices.SortFunc(r.Colors, func(a, b uint32) int { return cmp.Compare(b, a) })
	return r, len(r.Colors) > 0 && r.NextHop.IsValid()
}

// serviceSID is the SID of the first SRv6 L3 Service TLV (RFC 9252 section 2).
func serviceSID(a *bgp.PathAttributePrefixSID) netip.Addr {
	for _, t := range a.TLVs {
		service, is := t.(*bgp.SRv6ServiceTLV)
		if !is || service.Type != bgp.TLVTypeSRv6L3Service {
			continue
		}
		for _, sub := range service.SubTLVs {
			if info, is := sub.(*bgp.SRv6InformationSubTLV); is {
				if sid, ok := netip.AddrFromSlice(info.SID); ok {
					return sid
				}
			}
		}
	}
	return netip.Addr{}
}
