package ls

import "encoding/binary"

// ApplicationAttributes are Application-Specific Link Attributes (RFC 9294
// section 2): attributes for the applications named only.
type ApplicationAttributes struct {
	Standard    ApplicationMask // SABM
	UserDefined ApplicationMask // UDABM
	TEAttributes
	Raw []TLV // other sub-TLVs, ascending
}

// ApplicationMask is a bit mask of applications.
type ApplicationMask struct {
	// Bits: bit 0 of the mask, its first, is the highest.
	Bits uint64
	// Octets is the length it is sent with: 0, 4 or 8. With both masks of none,
	// the attributes are for all applications that have no others.
	Octets uint8
}

// The standard applications (IANA, Link Attribute Application Identifiers).
const (
	RSVPTE        = 0
	SRPolicy      = 1
	LFA           = 2
	FlexAlgorithm = 3
)

// Has reports whether the mask names an application.
func (m ApplicationMask) Has(application int) bool { return m.Bits<<application>>63 == 1 }

// For reports whether the attributes are for a standard application, named or
// as one of all.
func (a *ApplicationAttributes) For(application int) bool {
	return a.Standard.Has(application) || a.Standard.Octets == 0 && a.UserDefined.Octets == 0
}

func readMask(v []byte) ApplicationMask {
	var bits [8]byte
	copy(bits[:], v)
	return ApplicationMask{binary.BigEndian.Uint64(bits[:]), uint8(len(v))}
}

func (m ApplicationMask) append(b []byte) []byte {
	return append(b, binary.BigEndian.AppendUint64(nil, m.Bits)[:min(m.Octets, 8)]...)
}

var applicationFields = table(within(teFields, func(a *ApplicationAttributes) *TEAttributes { return &a.TEAttributes }))

var applicationAttributes = codec[ApplicationAttributes]{
	func(d *decoder, v []byte, at int) (a ApplicationAttributes, why reason) {
		const fixed = 4 // two lengths, two reserved octets
		if len(v) < fixed {
			return a, wrongSize(len(v), "at least 4")
		}
		standard, user := int(v[0]), int(v[1])
		if standard > 8 || standard%4 != 0 || user > 8 || user%4 != 0 {
			return a, "has an application mask that is not of 0, 4 or 8 octets"
		}
		masks := fixed + standard + user
		if len(v) < masks {
			return a, "is shorter than its application masks"
		}
		a.Standard, a.UserDefined = readMask(v[fixed:fixed+standard]), readMask(v[fixed+standard:masks])
		var ok bool
		if a.Raw, ok = readTLVs(d, &a, applicationFields, v[masks:], at+masks); !ok {
			return a, reported
		}
		return a, ""
	},
	func(b []byte, a ApplicationAttributes) []byte {
		b = append(b, min(a.Standard.Octets, 8), min(a.UserDefined.Octets, 8), 0, 0)
		b = a.UserDefined.append(a.Standard.append(b))
		return appendTLVs(b, &a, applicationFields, a.Raw)
	},
}
