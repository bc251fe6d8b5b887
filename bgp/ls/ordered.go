package ls

import "bytes"

// readOrdered reads the TLVs of an NLRI or of a node descriptor, which identify
// an object. Order is checked here (RFC 9552 section 5.1): ascending by type,
// then by length, then by value. What o does not hold is returned as it came.
// Not ok has been reported, and the NLRI is of no use. The offset is that of b.
func readOrdered[T any](d *decoder, o *T, fields []field[T], b []byte, at int) (unknown string, ok bool) {
	var others []byte
	var last TLV
	for first := true; len(b) > 0; first = false {
		tlv, rest, whole := split(b)
		if !whole {
			d.fault(DiscardNLRI, tlv.Type, at, overrun)
			return "", false
		}
		why := unknownHere
		if !first && !ordered(last, tlv) {
			why = "is out of order"
		} else if f := find(fields, tlv.Type); f != nil {
			why = f.get(d, o, tlv.Value, at+header)
		}
		switch why {
		case "":
		case unknownHere:
			others = append(others, b[:len(b)-len(rest)]...)
		case reported:
			return "", false
		default:
			d.fault(DiscardNLRI, tlv.Type, at, why)
			return "", false
		}
		at, b, last = at+len(b)-len(rest), rest, tlv
	}
	return string(others), true
}

// ordered reports whether b may follow a. Two that are the same may not: they
// would say nothing more than one, and every node descriptor has at most one of
// a type (RFC 9552 section 5.2.1.4).
func ordered(a, b TLV) bool {
	if a.Type != b.Type {
		return a.Type < b.Type
	}
	if len(a.Value) != len(b.Value) {
		return len(a.Value) < len(b.Value)
	}
	return bytes.Compare(a.Value, b.Value) < 0
}

// appendOrdered appends the fields and the unknown TLVs in ascending order.
func appendOrdered[T any](b []byte, o *T, fields []field[T], unknown string) []byte {
	others := []byte(unknown)
	for _, f := range fields {
		for {
			tlv, rest, ok := split(others)
			if !ok || tlv.Type >= f.tlv {
				break
			}
			b, others = append(b, others[:len(others)-len(rest)]...), rest
		}
		b = f.put(b, o)
	}
	return append(b, others...)
}
