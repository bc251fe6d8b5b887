package ls

import "net/netip"

// LinkAttribute is what is said of one direction of a link.
type LinkAttribute struct {
	// Identifiers may be here for a link whose descriptor has addresses.
	Identifiers         Opt[LinkIdentifiers]  // TLV 258
	MSDs                []MSD                 // TLV 267
	LocalIPv4RouterIDs  []netip.Addr          // TLV 1028
	LocalIPv6RouterIDs  []netip.Addr          // TLV 1029
	RemoteIPv4RouterIDs []netip.Addr          // TLV 1030
	RemoteIPv6RouterIDs []netip.Addr          // TLV 1031
	MaxBandwidth        Opt[BitsPerSecond]    // TLV 1089
	ReservableBandwidth Opt[BitsPerSecond]    // TLV 1090; may exceed the maximum
	UnreservedBandwidth Opt[[8]BitsPerSecond] // TLV 1091, by setup priority
	IGPMetric           Opt[IGPMetric]        // TLV 1095
	Name                string                // TLV 1098, empty for none
	EndX                []EndX                // TLV 1106
	ISISLANEndX         []LANEndX             // TLV 1107
	OSPFv3LANEndX       []LANEndX             // TLV 1108
	TEAttributes                              // TLVs 1088, 1092, 1096, 1114 to 1120, 1173
	// Applications are in the order they were sent in; the first that is for an
	// application counts (RFC 9479 section 4.2).
	Applications []ApplicationAttributes // TLV 1122
	Raw          []TLV                   // all others, ascending
}

// IGPMetric is a metric with the number of octets it is sent in (RFC 9552
// section 5.3.2.4): 1 for a small one of IS-IS, of 6 bits, 2 in OSPF, 3 for a
// wide one of IS-IS.
type IGPMetric struct {
	Metric uint32
	Octets uint8
}

// MaxLinkMetric is the wide metric of a link that must not be used in paths
// (RFC 5305 section 3).
const MaxLinkMetric = 1<<24 - 1

// Usable reports whether the IGP lets paths use the link: IS-IS excludes one of
// MaxLinkMetric from them.
func (m IGPMetric) Usable() bool { return m.Octets != 3 || m.Metric < MaxLinkMetric }

var igpMetric = codec[IGPMetric]{
	func(_ *decoder, v []byte, _ int) (IGPMetric, reason) {
		m := IGPMetric{Octets: uint8(len(v))}
		switch len(v) {
		case 1:
			m.Metric = uint32(v[0]) & 0x3f // the two others are to be ignored
		case 2, 3:
			for _, octet := range v {
				m.Metric = m.Metric<<8 | uint32(octet)
			}
		default:
			return m, wrongSize(len(v), "1, 2 or 3")
		}
		return m, ""
	},
	func(b []byte, m IGPMetric) []byte {
		for i := int(m.Octets) - 1; i >= 0; i-- {
			b = append(b, byte(m.Metric>>(8*i)))
		}
		return b
	},
}

var unreserved = sized(32, "32",
	func(v []byte) (rates [8]BitsPerSecond, why reason) {
		for i := range rates {
			if rates[i], why = readRate(v[4*i:]); why != "" {
				return rates, why
			}
		}
		return rates, ""
	},
	func(b []byte, rates [8]BitsPerSecond) []byte {
		for _, r := range rates {
			b = appendRate(b, r)
		}
		return b
	})

var linkAttributeFields = table([]field[LinkAttribute]{
	one(258, linkIdentifiers, func(a *LinkAttribute) *Opt[LinkIdentifiers] { return &a.Identifiers }),
	list(267, msdList, func(a *LinkAttribute) *[]MSD { return &a.MSDs }),
	many(1028, ipv4, func(a *LinkAttribute) *[]netip.Addr { return &a.LocalIPv4RouterIDs }),
	many(1029, ipv6, func(a *LinkAttribute) *[]netip.Addr { return &a.LocalIPv6RouterIDs }),
	many(1030, ipv4, func(a *LinkAttribute) *[]netip.Addr { return &a.RemoteIPv4RouterIDs }),
	many(1031, ipv6, func(a *LinkAttribute) *[]netip.Addr { return &a.RemoteIPv6RouterIDs }),
	one(1089, rate, func(a *LinkAttribute) *Opt[BitsPerSecond] { return &a.MaxBandwidth }),
	one(1090, rate, func(a *LinkAttribute) *Opt[BitsPerSecond] { return &a.ReservableBandwidth }),
	one(1091, unreserved, func(a *LinkAttribute) *Opt[[8]BitsPerSecond] { return &a.UnreservedBandwidth }),
	one(1095, igpMetric, func(a *LinkAttribute) *Opt[IGPMetric] { return &a.IGPMetric }),
	plain(1098, text, func(a *LinkAttribute) *string { return &a.Name }),
	many(1106, endX, func(a *LinkAttribute) *[]EndX { return &a.EndX }),
	many(1107, lanEndX(6), func(a *LinkAttribute) *[]LANEndX { return &a.ISISLANEndX }),
	many(1108, lanEndX(4), func(a *LinkAttribute) *[]LANEndX { return &a.OSPFv3LANEndX }),
	many(1122, applicationAttributes, func(a *LinkAttribute) *[]ApplicationAttributes { return &a.Applications }),
}, within(teFields, func(a *LinkAttribute) *TEAttributes { return &a.TEAttributes }))
