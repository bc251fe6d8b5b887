package ls

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// TLV is one that is not decoded: of an unknown type, or of no use.
type TLV struct {
	Type  uint16
	Value []byte
}

// Opt is a value that a peer may have left out. The zero Opt is unknown.
type Opt[V any] struct {
	Value V
	Known bool
}

// Some returns a known value.
func Some[V any](v V) Opt[V] { return Opt[V]{v, true} }

// Get returns the value and whether it is known.
func (o Opt[V]) Get() (V, bool) { return o.Value, o.Known }

// header is the size of a TLV's type and length (RFC 9552 section 5.1), and of
// an NLRI's.
const header = 4

// split takes the first TLV off b. It is not ok if b does not hold it whole.
func split(b []byte) (tlv TLV, rest []byte, ok bool) {
	if len(b) < header {
		return TLV{}, nil, false
	}
	end := header + int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < end {
		return TLV{Type: binary.BigEndian.Uint16(b)}, nil, false
	}
	return TLV{binary.BigEndian.Uint16(b), b[header:end:end]}, b[end:], true
}

// open begins a TLV whose length closeTLV fills in. A value too long for the
// length makes the whole too long, and whoever encodes the whole says so.
func open(b []byte, tlv uint16) (_ []byte, start int) {
	return append(b, byte(tlv>>8), byte(tlv), 0, 0), len(b)
}

func closeTLV(b []byte, start int) []byte {
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start-header))
	return b
}

// reason is what is wrong with a value; empty for nothing.
type reason string

const (
	// unknownHere is no fault: the TLV is kept (RFC 9552 section 5.1).
	unknownHere reason = "is unknown"
	// overrun: it does not fit into what it is in. That is syntax.
	overrun reason = "overruns what it is in"
	// reported: the fault was added where it was found, deeper inside.
	reported reason = "-"
)

func wrongSize(got int, want string) reason {
	return reason(fmt.Sprintf("has %d octets, want %s", got, want))
}

// decoder reads one object.
type decoder struct {
	object Fault // what every fault of this object has in common
	faults *Faults
}

func (d *decoder) fault(a Action, tlv uint16, at int, why reason) {
	f := d.object
	f.Action, f.TLV, f.Offset, f.Reason = a, tlv, at, string(why)
	d.faults.add(f)
}

// codec reads and writes the value of a TLV. The offset is the value's, for
// the faults of sub-TLVs.
type codec[V any] struct {
	read  func(d *decoder, v []byte, at int) (V, reason)
	write func(b []byte, v V) []byte
}

// field is a TLV of the object T: its type, and how it is read and written. get
// leaves the object alone where it gives a reason; put writes nothing for what
// is unknown.
type field[T any] struct {
	tlv uint16
	get func(d *decoder, o *T, v []byte, at int) reason
	put func(b []byte, o *T) []byte
}

// repeated: a TLV of which there may be one. The first counts.
const repeated reason = "is there twice"

// one is a TLV of which there may be one, and whose absence is unknown.
func one[T, V any](tlv uint16, c codec[V], in func(*T) *Opt[V]) field[T] {
	return field[T]{tlv,
		func(d *decoder, o *T, v []byte, at int) reason {
			into := in(o)
			if into.Known {
				return repeated
			}
			got, why := c.read(d, v, at)
			if why == "" {
				*into = Some(got)
			}
			return why
		},
		func(b []byte, o *T) []byte {
			if v := in(o); v.Known {
				b = appendTLV(b, tlv, c, v.Value)
			}
			return b
		},
	}
}

// plain is a TLV of which there may be one, and whose absence is the zero value,
// which no codec of a plain TLV reads.
func plain[T any, V comparable](tlv uint16, c codec[V], in func(*T) *V) field[T] {
	var zero V
	return field[T]{tlv,
		func(d *decoder, o *T, v []byte, at int) reason {
			into := in(o)
			if *into != zero {
				return repeated
			}
			got, why := c.read(d, v, at)
			if why == "" {
				*into = got
			}
			return why
		},
		func(b []byte, o *T) []byte {
			if v := in(o); *v != zero {
				b = appendTLV(b, tlv, c, *v)
			}
			return b
		},
	}
}

// list is a TLV of which there may be one, and which holds one element or more.
func list[T, E any](tlv uint16, c codec[[]E], in func(*T) *[]E) field[T] {
	return field[T]{tlv,
		func(d *decoder, o *T, v []byte, at int) reason {
			into := in(o)
			if *into != nil {
				return repeated
			}
			got, why := c.read(d, v, at)
			if why == "" {
				*into = got
			}
			return why
		},
		func(b []byte, o *T) []byte {
			if v := in(o); len(*v) > 0 {
				b = appendTLV(b, tlv, c, *v)
			}
			return b
		},
	}
}

// many is a TLV that may be there several times.
func many[T, V any](tlv uint16, c codec[V], in func(*T) *[]V) field[T] {
	return field[T]{tlv,
		func(d *decoder, o *T, v []byte, at int) reason {
			got, why := c.read(d, v, at)
			if why == "" {
				*in(o) = append(*in(o), got)
			}
			return why
		},
		func(b []byte, o *T) []byte {
			for _, v := range *in(o) {
				b = appendTLV(b, tlv, c, v)
			}
			return b
		},
	}
}

// within makes fields of a part into fields of the whole.
func within[T, P any](fields []field[P], part func(*T) *P) []field[T] {
	whole := make([]field[T], len(fields))
	for i, f := range fields {
		whole[i] = field[T]{f.tlv,
			func(d *decoder, o *T, v []byte, at int) reason { return f.get(d, part(o), v, at) },
			func(b []byte, o *T) []byte { return f.put(b, part(o)) },
		}
	}
	return whole
}

// table sorts the fields of an object as they go on the wire.
func table[T any](parts ...[]field[T]) []field[T] {
	fields := slices.Concat(parts...)
	slices.SortFunc(fields, func(a, b field[T]) int { return cmp.Compare(a.tlv, b.tlv) })
	return fields
}

func find[T any](fields []field[T], tlv uint16) *field[T] {
	i, found := slices.BinarySearchFunc(fields, tlv, func(f field[T], tlv uint16) int { return cmp.Compare(f.tlv, tlv) })
	if !found {
		return nil
	}
	return &fields[i]
}

func appendTLV[V any](b []byte, tlv uint16, c codec[V], v V) []byte {
	b, start := open(b, tlv)
	return closeTLV(c.write(b, v), start)
}
