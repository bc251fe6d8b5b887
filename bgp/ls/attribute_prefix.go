package ls

import "encoding/binary"

// PrefixAttribute is what is said of a prefix. It is reachability only with a
// Metric; with none and a Locator it is a locator alone (RFC 9514 section 5.1).
type PrefixAttribute struct {
	FlexAlgorithmMetrics []FlexAlgorithmMetric // TLV 1044
	Flags                Opt[IGPFlags]         // TLV 1152
	Metric               Opt[uint32]           // TLV 1155
	Locator              Opt[SRv6Locator]      // TLV 1162
	// AttributeFlags are as long as they were sent, and the protocol says what
	// they mean (RFC 9085 section 2.3.2); see NodeFlag.
	AttributeFlags []byte // TLV 1170
	Raw            []TLV  // all others, ascending
}

// IGPFlags of a prefix (RFC 9552 section 5.3.3.1).
type IGPFlags uint8

// The flags of RFC 9552 section 5.3.3.1.
const (
	Down          IGPFlags = 1 << 7 // IS-IS, came from a higher level
	NoUnicast     IGPFlags = 1 << 6 // OSPFv3
	LocalAddress  IGPFlags = 1 << 5 // OSPFv3
	PropagateNSSA IGPFlags = 1 << 4 // OSPFv3
)

// FlexAlgorithmMetric is a Flexible Algorithm Prefix Metric (RFC 9351 section 4).
type FlexAlgorithmMetric struct {
	Algorithm uint8
	Flags     uint8 // OSPF, the E-flag is the first bit
	Metric    uint32
}

// SRv6Locator is a locator of a node (RFC 9514 section 5.1). The prefix is that
// of the NLRI.
type SRv6Locator struct {
	// Flags: D, came from a higher level, is the first (RFC 9352 section 7.1).
	Flags     uint8
	Algorithm uint8
	Metric    uint32
	// Raw are its sub-TLVs, of which none is known.
	Raw []TLV
}

// NodeFlag reports whether the prefix names its node, such as a loopback: the
// N-flag of RFC 7794, RFC 7684 or RFC 8362. It is not known without the flags, and
// of protocols that have none.
func (a *PrefixAttribute) NodeFlag(p ProtocolID) (set, known bool) {
	bit, known := map[ProtocolID]byte{ISISLevel1: 0x20, ISISLevel2: 0x20, OSPFv2: 0x40, OSPFv3: 0x20}[p]
	if !known || len(a.AttributeFlags) == 0 {
		return false, false
	}
	return a.AttributeFlags[0]&bit != 0, true
}

var flexAlgorithmMetric = sized(8, "8",
	func(v []byte) (FlexAlgorithmMetric, reason) {
		return FlexAlgorithmMetric{v[0], v[1], binary.BigEndian.Uint32(v[4:])}, ""
	},
	func(b []byte, m FlexAlgorithmMetric) []byte {
		return binary.BigEndian.AppendUint32(append(b, m.Algorithm, m.Flags, 0, 0), m.Metric)
	})

var srv6Locator = codec[SRv6Locator]{
	func(d *decoder, v []byte, at int) (l SRv6Locator, why reason) {
		if len(v) < 8 {
			return l, wrongSize(len(v), "at least 8")
		}
		l.Flags, l.Algorithm, l.Metric = v[0], v[1], binary.BigEndian.Uint32(v[4:])
		var ok bool
		if l.Raw, ok = readTLVs(d, &l, nil, v[8:], at+8); !ok {
			return l, reported
		}
		return l, ""
	},
	func(b []byte, l SRv6Locator) []byte {
		b = binary.BigEndian.AppendUint32(append(b, l.Flags, l.Algorithm, 0, 0), l.Metric)
		return appendTLVs(b, &l, nil, l.Raw)
	},
}

var prefixAttributeFields = table([]field[PrefixAttribute]{
	many(1044, flexAlgorithmMetric, func(a *PrefixAttribute) *[]FlexAlgorithmMetric { return &a.FlexAlgorithmMetrics }),
	one(1152, octet[IGPFlags](), func(a *PrefixAttribute) *Opt[IGPFlags] { return &a.Flags }),
	one(1155, uint32s, func(a *PrefixAttribute) *Opt[uint32] { return &a.Metric }),
	one(1162, srv6Locator, func(a *PrefixAttribute) *Opt[SRv6Locator] { return &a.Locator }),
	list(1170, octets, func(a *PrefixAttribute) *[]byte { return &a.AttributeFlags }),
})
