package service

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
)

// SID is the SRv6 Service SID of a route: where its tail takes packets out of the
// tunnel (RFC 9252 section 2). The headend puts it behind the segments of the policy.
type SID struct {
	Addr     netip.Addr
	Behavior uint16 // IANA, SRv6 Endpoint Behaviors
	// Structure, if it is known. Nothing of the SID is ever moved into a label
	// (transposition, RFC 9252 section 4): these routes have none.
	Structure ls.Opt[ls.SIDStructure]
}

// The TLVs of RFC 9252: in the Prefix-SID attribute, in the service TLV, and in the
// SID information.
const (
	l3ServiceTLV    = 5
	sidInfoTLV      = 1
	sidStructureTLV = 1

	sidInfoLen      = 21
	sidStructureLen = 6
)

// octets is the value of a Prefix-SID attribute with the SID (RFC 9252 sections 2, 3.1
// and 3.2.1).
func (s SID) octets() ([]byte, error) {
	if !s.Addr.Is6() || s.Addr.Is4In6() || s.Addr.Zone() != "" || s.Addr.IsUnspecified() {
		return nil, fmt.Errorf("the service SID %v is no SRv6 SID", s.Addr)
	}
	info := append(make([]byte, 1, 32), s.Addr.AsSlice()...)
	info = append(binary.BigEndian.AppendUint16(append(info, 0), s.Behavior), 0)
	if x, known := s.Structure.Get(); known {
		if why := impossible(x); why != "" {
			return nil, fmt.Errorf("the service SID %v %s", s.Addr, why)
		}
		info = appendTLV(info, sidStructureTLV, []byte{x.LocatorBlock, x.LocatorNode, x.Function, x.Argument, 0, 0})
	}
	return appendTLV(nil, l3ServiceTLV, appendTLV([]byte{0}, sidInfoTLV, info)), nil
}

func appendTLV(b []byte, kind uint8, v []byte) []byte {
	return append(binary.BigEndian.AppendUint16(append(b, kind), uint16(len(v))), v...)
}

func impossible(x ls.SIDStructure) string {
	if total := int(x.LocatorBlock) + int(x.LocatorNode) + int(x.Function) + int(x.Argument); total > 128 {
		return fmt.Sprintf("is divided into %d bits, more than 128", total)
	}
	return ""
}

// parseSID reads the value of a Prefix-SID attribute. Of several service TLVs, and of
// several SIDs in one, the first counts; what is unknown is passed over, and without a
// service TLV there is no SID. Why it is malformed is for a fault TreatAsWithdraw (RFC
// 9252 section 7): without its SID the route would lead traffic to a tail that does not
// know what it is.
func parseSID(b []byte) (sid ls.Opt[SID], malformed string) {
	err := eachTLV(b, "attribute", func(kind uint8, v []byte) error {
		if kind != l3ServiceTLV || sid.Known {
			return nil
		}
		if len(v) < 1 {
			return fmt.Errorf("its SRv6 L3 Service TLV is empty")
		}
		return eachTLV(v[1:], "SRv6 L3 Service TLV", func(kind uint8, v []byte) error {
			if kind != sidInfoTLV {
				return nil
			}
			s, err := parseInfo(v)
			if !sid.Known {
				sid = ls.Some(s)
			}
			return err
		})
	})
	if err != nil {
		return ls.Opt[SID]{}, err.Error()
	}
	return sid, ""
}

func parseInfo(v []byte) (s SID, err error) {
	if len(v) < sidInfoLen {
		return s, fmt.Errorf("its SRv6 SID Information has %d octets, want at least %d", len(v), sidInfoLen)
	}
	s = SID{Addr: netip.AddrFrom16([16]byte(v[1:17])), Behavior: binary.BigEndian.Uint16(v[18:])}
	err = eachTLV(v[sidInfoLen:], "SRv6 SID Information", func(kind uint8, v []byte) error {
		if kind != sidStructureTLV || s.Structure.Known {
			return nil
		}
		if len(v) != sidStructureLen {
			return fmt.Errorf("its SRv6 SID Structure has %d octets, want %d", len(v), sidStructureLen)
		}
		x := ls.SIDStructure{LocatorBlock: v[0], LocatorNode: v[1], Function: v[2], Argument: v[3]}
		if why := impossible(x); why != "" {
			return fmt.Errorf("its SID %s", why)
		}
		if v[4] != 0 {
			return fmt.Errorf("%d bits of its SID are said to be in a label, and the route has none", v[4])
		}
		s.Structure = ls.Some(x)
		return nil
	})
	if err == nil && (s.Addr.IsUnspecified() || s.Addr.Is4In6()) {
		err = fmt.Errorf("its SID %v is none", s.Addr)
	}
	return s, err
}

// eachTLV calls f for each TLV until there is an error.
func eachTLV(b []byte, in string, f func(kind uint8, v []byte) error) error {
	for len(b) > 0 {
		if len(b) < 3 || len(b)-3 < int(binary.BigEndian.Uint16(b[1:])) {
			return fmt.Errorf("a TLV overruns its %s", in)
		}
		end := 3 + int(binary.BigEndian.Uint16(b[1:]))
		if err := f(b[0], b[3:end]); err != nil {
			return err
		}
		b = b[end:]
	}
	return nil
}
