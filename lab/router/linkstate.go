package router

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"

	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// object is one object of BGP-LS, ready for gobgp's RIB.
type object struct {
	key  string // the NLRI's octets
	attr string // those of the attribute
	path *apiutil.Path
}

// TLVs that gobgp has no encoder for.
const (
	tlvPrefixMetric     = 1155 // RFC 9552
	tlvSRv6Capabilities = 1038 // RFC 9514 section 3.1
	tlvSRv6Locator      = 1162 // RFC 9514 section 5.1
)

// Behaviors (IANA, SRv6 Endpoint Behaviors).
const (
	behaviorEnd    = 1
	behaviorEndX   = 5
	behaviorEndDT6 = 18
	behaviorEndDT4 = 19
)

// structure of the SIDs.
var structure = bgp.LsSrv6SIDStructure{LocalBlock: 32, LocalNode: 16, LocalFunc: 16}

// linkState is all that the router says of itself.
func (cfg *Config) linkState(at ports) ([]object, error) {
	s := &sayer{cfg: cfg}
	name := cfg.Name
	s.say(bgp.LS_NLRI_TYPE_NODE, &bgp.LsNodeNLRI{LsNLRI: head(bgp.LS_NLRI_TYPE_NODE), LocalNodeDesc: s.local()},
		bgp.NewLsTLVNodeName(&name), bgp.NewLsTLVLocalIPv4RouterID(&cfg.RouterID), raw(bgp.LS_TLV_IPV6_LOCAL_ROUTER_ID, cfg.Loopback().AsSlice()), // gobgp's is of length 0
		raw(tlvSRv6Capabilities, make([]byte, 4)))
	locator := bgp.NewLsPrefixTLVs(&bgp.LsPrefixDescriptor{IPReachability: []netip.Prefix{cfg.Locator}})
	s.say(bgp.LS_NLRI_TYPE_PREFIX_IPV6, &bgp.LsPrefixV6NLRI{LsNLRI: head(bgp.LS_NLRI_TYPE_PREFIX_IPV6), LocalNodeDesc: s.local(), PrefixDesc: locator},
		raw(tlvPrefixMetric, make([]byte, 4)), raw(tlvSRv6Locator, make([]byte, 8)))
	for _, sid := range []struct {
		funct    int
		behavior uint16
	}{{functEnd, behaviorEnd}, {functEndDT6, behaviorEndDT6}, {functEndDT4, behaviorEndDT4}} {
		info := &bgp.LsTLVSrv6SIDInfo{LsTLV: bgp.LsTLV{Type: bgp.LS_TLV_SRV6_SID_INFO, Length: 16}, SIDs: []netip.Addr{cfg.sid(sid.funct)}}
		s.say(bgp.LS_NLRI_TYPE_SRV6_SID, &bgp.LsSrv6SIDNLRI{LsNLRI: head(bgp.LS_NLRI_TYPE_SRV6_SID), LocalNodeDesc: s.local(), Srv6SIDInfo: info},
			bgp.NewLsTLVSrv6EndpointBehavior(&bgp.LsSrv6EndpointBehavior{EndpointBehavior: sid.behavior}), bgp.NewLsTLVSrv6SIDStructure(&structure))
	}
	for i, l := range cfg.Links {
		if at[i].up {
			s.link(l, cfg.endX(i), at[i])
		}
	}
	return s.objects, s.err
}

// sayer collects objects.
type sayer struct {
	cfg     *Config
	objects []object
	err     error
}

// head says which IGP has the object.
func head(t bgp.LsNLRIType) bgp.LsNLRI {
	return bgp.LsNLRI{NLRIType: t, ProtocolID: bgp.LS_PROTOCOL_ISIS_L2}
}

func (s *sayer) local() *bgp.LsTLVNodeDescriptor {
	return s.node(s.cfg.RouterID, bgp.LS_TLV_LOCAL_NODE_DESC)
}

func (s *sayer) node(routerID netip.Addr, t bgp.LsTLVType) *bgp.LsTLVNodeDescriptor {
	d := bgp.NewLsTLVNodeDescriptor(&bgp.LsNodeDescriptor{Asn: s.cfg.AS, IGPRouterID: systemID(routerID)}, t)
	return &d
}

// link says this router's half of a link.
func (s *sayer) link(l Link, endX netip.Addr, at port) {
	neighbor := at.neighbor()
	local, remote := s.cfg.RouterID, l.Neighbor
	n := &bgp.LsLinkNLRI{LsNLRI: head(bgp.LS_NLRI_TYPE_LINK), LocalNodeDesc: s.local(), RemoteNodeDesc: s.node(l.Neighbor, bgp.LS_TLV_REMOTE_NODE_DESC),
		LinkDesc: bgp.NewLsLinkTLVs(&bgp.LsLinkDescriptor{InterfaceAddrIPv6: &at.address, NeighborAddrIPv6: &neighbor})}
	tlvs := []bgp.LsTLVInterface{
		bgp.NewLsTLVLocalIPv4RouterID(&local), bgp.NewLsTLVRemoteIPv4RouterID(&remote),
		bgp.NewLsTLVTEDefaultMetric(&l.Metric), bgp.NewLsTLVIGPMetric(&l.Metric),
		bgp.NewLsTLVSrv6EndXSID(&bgp.LsSrv6EndXSID{EndpointBehavior: behaviorEndX, SIDs: []netip.Addr{endX}, Srv6SIDStructure: structure}),
	}
	if l.Bandwidth > 0 {
		octets := float32(l.Bandwidth) / 8
		tlvs = append(tlvs, bgp.NewLsTLVMaxLinkBw(&octets), bgp.NewLsTLVMaxReservableLinkBw(&octets))
	}
	if l.Delay > 0 {
		tlvs = append(tlvs, bgp.NewLsTLVUnidirectionalLinkDelay(&bgp.LsUnidirectionalLinkDelay{Delay: uint32(l.Delay)}))
	}
	if l.SRLGs != nil {
		tlvs = append(tlvs, bgp.NewLsTLVSrlg(&l.SRLGs))
	}
	s.say(bgp.LS_NLRI_TYPE_LINK, n, tlvs...)
}

func (s *sayer) say(t bgp.LsNLRIType, n bgp.LsNLRIInterface, tlvs ...bgp.LsTLVInterface) {
	nlri := &bgp.LsAddrPrefix{Type: t, NLRI: n}
	octets, err := nlri.Serialize()
	if err != nil {
		s.fail(err)
		return
	}
	nlri.Length = uint16(len(octets) - 4) // gobgp counts with it, and does not fill it in
	attribute := &bgp.PathAttributeLs{TLVs: tlvs, PathAttribute: bgp.PathAttribute{Type: bgp.BGP_ATTR_TYPE_LS, Flags: bgp.BGP_ATTR_FLAG_OPTIONAL}}
	for _, tlv := range tlvs {
		attribute.Length += uint16(tlv.Len())
	}
	value, err := attribute.Serialize()
	if err != nil {
		s.fail(err)
		return
	}
	nextHop, err := bgp.NewPathAttributeNextHop(s.cfg.Loopback())
	if err != nil {
		s.fail(err)
		return
	}
	s.objects = append(s.objects, object{key: string(octets), attr: string(value), path: &apiutil.Path{Family: bgp.RF_LS, Nlri: nlri,
		Attrs: []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(0), nextHop, attribute}}})
}

func (s *sayer) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// rawTLV is a TLV that gobgp does not know.
type rawTLV struct {
	bgp.LsTLV
	value []byte
}

func raw(t bgp.LsTLVType, value []byte) *rawTLV {
	return &rawTLV{bgp.LsTLV{Type: t, Length: uint16(len(value))}, value}
}

// DecodeFromBytes implements bgp.LsTLVInterface.
func (r *rawTLV) DecodeFromBytes(data []byte) (err error) {
	r.value, err = r.LsTLV.DecodeFromBytes(data)
	return err
}

// Serialize implements bgp.LsTLVInterface.
func (r *rawTLV) Serialize() ([]byte, error) {
	b := binary.BigEndian.AppendUint16(nil, uint16(r.Type))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.value)))
	return append(b, r.value...), nil
}

// String implements bgp.LsTLVInterface.
func (r *rawTLV) String() string { return hex.EncodeToString(r.value) }

// MarshalJSON implements bgp.LsTLVInterface.
func (r *rawTLV) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"type": r.Type, "value": r.String()})
}

// GetLsTLV implements bgp.LsTLVInterface.
func (r *rawTLV) GetLsTLV() bgp.LsTLV { return r.LsTLV }
