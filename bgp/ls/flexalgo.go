package ls

// FlexAlgorithmDefinition is a Flexible Algorithm Definition (RFC 9351 section
// 3; the fields RFC 9350 section 5).
type FlexAlgorithmDefinition struct {
	Algorithm  uint8 // 128 to 255
	MetricType uint8
	CalcType   uint8
	Priority   uint8
	// The affinities, as extended administrative groups (RFC 7308).
	ExcludeAny  []uint32 // sub-TLV 1040
	IncludeAny  []uint32 // sub-TLV 1041
	IncludeAll  []uint32 // sub-TLV 1042
	Flags       []byte   // sub-TLV 1043, the M-flag is the first bit
	ExcludeSRLG []uint32 // sub-TLV 1045
	Raw         []TLV    // other sub-TLVs; with 1046 the definition is incomplete
}

// The metric types that RFC 9350 section 5.1 begins with.
const (
	MetricIGP      uint8 = 0
	MetricMinDelay uint8 = 1
	MetricTE       uint8 = 2
)

// Complete reports whether the definition says all that its IGP does. Sub-TLV
// 1046 (RFC 9351 section 3.6) says that something was left out, and a sub-TLV
// that is not known here may narrow the paths as well.
func (f *FlexAlgorithmDefinition) Complete() bool { return len(f.Raw) == 0 }

var flexAlgorithmFields = table([]field[FlexAlgorithmDefinition]{
	list(1040, wordList, func(f *FlexAlgorithmDefinition) *[]uint32 { return &f.ExcludeAny }),
	list(1041, wordList, func(f *FlexAlgorithmDefinition) *[]uint32 { return &f.IncludeAny }),
	list(1042, wordList, func(f *FlexAlgorithmDefinition) *[]uint32 { return &f.IncludeAll }),
	list(1043, octets, func(f *FlexAlgorithmDefinition) *[]byte { return &f.Flags }),
	list(1045, wordList, func(f *FlexAlgorithmDefinition) *[]uint32 { return &f.ExcludeSRLG }),
})

var flexAlgorithmDefinition = codec[FlexAlgorithmDefinition]{
	func(d *decoder, v []byte, at int) (f FlexAlgorithmDefinition, why reason) {
		if len(v) < 4 {
			return f, wrongSize(len(v), "at least 4")
		}
		if v[0] < 128 {
			return f, "defines an algorithm below 128"
		}
		f.Algorithm, f.MetricType, f.CalcType, f.Priority = v[0], v[1], v[2], v[3]
		var ok bool
		if f.Raw, ok = readTLVs(d, &f, flexAlgorithmFields, v[4:], at+4); !ok {
			return f, reported
		}
		return f, ""
	},
	func(b []byte, f FlexAlgorithmDefinition) []byte {
		b = append(b, f.Algorithm, f.MetricType, f.CalcType, f.Priority)
		return appendTLVs(b, &f, flexAlgorithmFields, f.Raw)
	},
}
