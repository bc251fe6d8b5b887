package ls

import (
	"bytes"
	"cmp"
	"slices"
)

// readTLVs reads the TLVs of an attribute, or the sub-TLVs of one of its TLVs,
// in any order (RFC 9552 section 5.1: they SHOULD be in order, but are not
// malformed otherwise). It returns those that o does not hold, in ascending
// order. Not ok is a syntax error, which it has reported. The offset is that of b.
func readTLVs[T any](d *decoder, o *T, fields []field[T], b []byte, at int) (raw []TLV, ok bool) {
	for len(b) > 0 {
		tlv, rest, whole := split(b)
		if !whole {
			d.fault(DiscardAttribute, tlv.Type, at, overrun)
			return nil, false
		}
		why := unknownHere
		if f := find(fields, tlv.Type); f != nil {
			why = f.get(d, o, tlv.Value, at+header)
		}
		if why == reported {
			return nil, false
		}
		if why != "" {
			if why != unknownHere {
				d.fault(IgnoreTLV, tlv.Type, at, why)
			}
			raw = append(raw, TLV{tlv.Type, bytes.Clone(tlv.Value)})
		}
		at, b = at+len(b)-len(rest), rest
	}
	sortTLVs(raw)
	return raw, true
}

// appendTLVs appends the fields and the raw TLVs, merged in ascending order of
// type. Of one type the field goes first, as the first is the one that counts.
func appendTLVs[T any](b []byte, o *T, fields []field[T], raw []TLV) []byte {
	if !slices.IsSortedFunc(raw, byType) {
		raw = slices.Clone(raw)
		sortTLVs(raw)
	}
	for _, f := range fields {
		for len(raw) > 0 && raw[0].Type < f.tlv {
			b, raw = appendRaw(b, raw[0]), raw[1:]
		}
		b = f.put(b, o)
	}
	for _, tlv := range raw {
		b = appendRaw(b, tlv)
	}
	return b
}

func byType(a, b TLV) int { return cmp.Compare(a.Type, b.Type) }

func sortTLVs(raw []TLV) { slices.SortStableFunc(raw, byType) }

func appendRaw(b []byte, tlv TLV) []byte {
	b, start := open(b, tlv.Type)
	return closeTLV(append(b, tlv.Value...), start)
}
