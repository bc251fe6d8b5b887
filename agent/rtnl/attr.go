package rtnl

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

var errMalformed = errors.New("malformed netlink message")

// attrs calls visit with type and value of each attribute. Types that visit
// does not know it passes over: kernels to come will have more of them.
func attrs(b []byte, visit func(typ uint16, v []byte) error) error {
	for len(b) >= 4 {
		n := int(binary.NativeEndian.Uint16(b))
		if n < 4 || n > len(b) {
			return errMalformed
		}
		typ := binary.NativeEndian.Uint16(b[2:]) & 0x3fff // less NLA_F_NESTED, NLA_F_NET_BYTEORDER
		if err := visit(typ, b[4:n]); err != nil {
			return err
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// get reads an integer of the kernel's byte order into dst.
func get[T uint8 | uint16 | uint32 | uint64](dst *T, v []byte) error {
	var wide uint64
	switch any(*dst).(type) {
	case uint8:
		if len(v) < 1 {
			return errMalformed
		}
		wide = uint64(v[0])
	case uint16:
		if len(v) < 2 {
			return errMalformed
		}
		wide = uint64(binary.NativeEndian.Uint16(v))
	case uint32:
		if len(v) < 4 {
			return errMalformed
		}
		wide = uint64(binary.NativeEndian.Uint32(v))
	case uint64:
		if len(v) < 8 {
			return errMalformed
		}
		wide = binary.NativeEndian.Uint64(v)
	}
	*dst = T(wide)
	return nil
}

// getAddr reads an address of 4 or 16 bytes.
func getAddr(dst *netip.Addr, v []byte) error {
	a, ok := netip.AddrFromSlice(v)
	if !ok {
		return errMalformed
	}
	*dst = a
	return nil
}

func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
