package ls

import "encoding/binary"

// TEAttributes are the link attributes that may differ by application (RFC
// 9294, table 1). Directly on a link they are those of RSVP-TE, and of
// other applications as far as these have none of their own.
type TEAttributes struct {
	AdminGroup         Opt[uint32]        // TLV 1088, RFC 3630 section 2.5.9
	TEDefaultMetric    Opt[uint32]        // TLV 1092
	SRLGs              []uint32           // TLV 1096, nil for unknown
	Delay              Opt[Delay]         // TLV 1114
	MinMaxDelay        Opt[MinMaxDelay]   // TLV 1115
	DelayVariation     Opt[Microseconds]  // TLV 1116
	Loss               Opt[LinkLoss]      // TLV 1117
	ResidualBandwidth  Opt[BitsPerSecond] // TLV 1118
	AvailableBandwidth Opt[BitsPerSecond] // TLV 1119
	UtilizedBandwidth  Opt[BitsPerSecond] // TLV 1120
	ExtendedAdminGroup []uint32           // TLV 1173, RFC 9104; bit 0 is the lowest of the first
}

// Delay is a Unidirectional Link Delay (RFC 8571 section 2.1), an average.
type Delay struct {
	Delay Microseconds
	// Anomalous is the A flag: the value exceeds what is configured for the link.
	Anomalous bool
}

// MinMaxDelay is a Min/Max Unidirectional Link Delay (RFC 8571 section 2.2).
type MinMaxDelay struct {
	Min, Max  Microseconds
	Anomalous bool
}

// LinkLoss is a Unidirectional Link Loss (RFC 8571 section 2.4).
type LinkLoss struct {
	Loss      Loss
	Anomalous bool
}

const anomalous = 1 << 31

// word24 is the number of 24 bits at the end of four octets.
func word24(v []byte) uint32 { return binary.BigEndian.Uint32(v) & (1<<24 - 1) }

func append24(b []byte, v uint32, flag bool) []byte {
	v = min(v, 1<<24-1) // MaxDelay and MaxLoss stand for all that is more
	if flag {
		v |= anomalous
	}
	return binary.BigEndian.AppendUint32(b, v)
}

var delay = sized(4, "4",
	func(v []byte) (Delay, reason) { return Delay{Microseconds(word24(v)), v[0]&0x80 != 0}, "" },
	func(b []byte, d Delay) []byte { return append24(b, uint32(d.Delay), d.Anomalous) })

var minMaxDelay = sized(8, "8",
	func(v []byte) (MinMaxDelay, reason) {
		d := MinMaxDelay{Microseconds(word24(v)), Microseconds(word24(v[4:])), v[0]&0x80 != 0}
		if d.Min > d.Max {
			return d, "has a least delay above the greatest"
		}
		return d, ""
	},
	func(b []byte, d MinMaxDelay) []byte {
		return append24(append24(b, uint32(d.Min), d.Anomalous), uint32(d.Max), false)
	})

var delayVariation = sized(4, "4",
	func(v []byte) (Microseconds, reason) { return Microseconds(word24(v)), "" },
	func(b []byte, d Microseconds) []byte { return append24(b, uint32(d), false) })

var linkLoss = sized(4, "4",
	func(v []byte) (LinkLoss, reason) { return LinkLoss{Loss(word24(v)), v[0]&0x80 != 0}, "" },
	func(b []byte, l LinkLoss) []byte { return append24(b, uint32(l.Loss), l.Anomalous) })

var teFields = []field[TEAttributes]{
	one(1088, uint32s, func(a *TEAttributes) *Opt[uint32] { return &a.AdminGroup }),
	one(1092, uint32s, func(a *TEAttributes) *Opt[uint32] { return &a.TEDefaultMetric }),
	list(1096, wordList, func(a *TEAttributes) *[]uint32 { return &a.SRLGs }),
	one(1114, delay, func(a *TEAttributes) *Opt[Delay] { return &a.Delay }),
	one(1115, minMaxDelay, func(a *TEAttributes) *Opt[MinMaxDelay] { return &a.MinMaxDelay }),
	one(1116, delayVariation, func(a *TEAttributes) *Opt[Microseconds] { return &a.DelayVariation }),
	one(1117, linkLoss, func(a *TEAttributes) *Opt[LinkLoss] { return &a.Loss }),
	one(1118, rate, func(a *TEAttributes) *Opt[BitsPerSecond] { return &a.ResidualBandwidth }),
	one(1119, rate, func(a *TEAttributes) *Opt[BitsPerSecond] { return &a.AvailableBandwidth }),
	one(1120, rate, func(a *TEAttributes) *Opt[BitsPerSecond] { return &a.UtilizedBandwidth }),
	list(1173, wordList, func(a *TEAttributes) *[]uint32 { return &a.ExtendedAdminGroup }),
}
