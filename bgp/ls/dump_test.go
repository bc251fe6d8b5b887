package ls

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// dump writes what is known of an object, a line for each field. What is
// unknown has no line.
func dump(v any) string {
	var s strings.Builder
	dumpFields(&s, "", reflect.Indirect(reflect.ValueOf(v)))
	return s.String()
}

func dumpFields(s *strings.Builder, indent string, v reflect.Value) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if v.Type().Field(i).Anonymous {
			dumpFields(s, indent, f)
			continue
		}
		if known := f; f.Kind() == reflect.Struct && strings.HasPrefix(f.Type().Name(), "Opt[") {
			if !known.FieldByName("Known").Bool() {
				continue
			}
			f = known.FieldByName("Value")
		} else if f.IsZero() {
			continue
		}
		dumpValue(s, indent, name, f)
	}
}

func dumpValue(s *strings.Builder, indent, name string, f reflect.Value) {
	switch v := f.Interface().(type) {
	case string:
		if name == "Unknown" || name == "Body" {
			v = hex.EncodeToString([]byte(v))
		}
		fmt.Fprintf(s, "%s%s: %s\n", indent, name, v)
	case []byte:
		fmt.Fprintf(s, "%s%s: %x\n", indent, name, v)
	case SIDFlags, NodeFlags, IGPFlags, SRv6Capabilities:
		fmt.Fprintf(s, "%s%s: %#x\n", indent, name, v)
	case TLV:
		fmt.Fprintf(s, "%sTLV %d: %x\n", indent, v.Type, v.Value)
	case netip.Addr, netip.Prefix, IGPRouterID, RouteDistinguisher:
		fmt.Fprintf(s, "%s%s: %v\n", indent, name, v)
	default:
		switch {
		case f.Kind() == reflect.Slice && (f.Type().Elem().Kind() == reflect.Struct || f.Type().Elem().Kind() == reflect.Slice):
			for i := range f.Len() {
				dumpValue(s, indent, name, f.Index(i))
			}
		case f.Kind() == reflect.Struct && (f.NumField() > 2 || f.Type().Field(1).Anonymous):
			fmt.Fprintf(s, "%s%s:\n", indent, name)
			dumpFields(s, indent+"  ", f)
		default:
			fmt.Fprintf(s, "%s%s: %+v\n", indent, name, v)
		}
	}
}

// update takes what this package reads out of an UPDATE message, with or
// without its header: the NLRI list and the attribute.
func update(t testing.TB, b []byte) (nlris, attribute []byte) {
	if bytes.HasPrefix(b, bytes.Repeat([]byte{0xff}, 16)) {
		b = b[19:]
	}
	b = b[2+binary.BigEndian.Uint16(b):] // withdrawn routes
	b = b[2:][:binary.BigEndian.Uint16(b)]
	for len(b) > 0 {
		flags, code, size, header := b[0], b[1], int(b[2]), 3
		if flags&0x10 != 0 {
			size, header = int(binary.BigEndian.Uint16(b[2:])), 4
		}
		value := b[header:][:size]
		b = b[header+size:]
		switch code {
		case 14: // AFI, SAFI, next hop, a reserved octet
			if !bytes.HasPrefix(value, []byte{0x40, 0x04, 71}) {
				t.Fatalf("not BGP-LS: %x", value[:3])
			}
			nlris = value[5+int(value[3]):]
		case 29:
			attribute = value
		}
	}
	return nlris, attribute
}
