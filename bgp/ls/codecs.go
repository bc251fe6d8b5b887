package ls

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
)

// sized is a codec of values of n octets, all of which can be read.
func sized[V any](n int, want string, read func(v []byte) (V, reason), write func(b []byte, v V) []byte) codec[V] {
	return codec[V]{
		func(_ *decoder, v []byte, _ int) (V, reason) {
			if len(v) != n {
				var none V
				return none, wrongSize(len(v), want)
			}
			return read(v)
		},
		write,
	}
}

var (
	uint32s = sized(4, "4", func(v []byte) (uint32, reason) { return binary.BigEndian.Uint32(v), "" }, binary.BigEndian.AppendUint32)
	rate    = sized(4, "4", readRate, appendRate)
	ipv4    = sized(4, "4", func(v []byte) (netip.Addr, reason) { return netip.AddrFrom4([4]byte(v)), "" }, appendAddr)
	ipv6    = sized(16, "16", func(v []byte) (netip.Addr, reason) { return netip.AddrFrom16([16]byte(v)), "" }, appendAddr)
)

func octet[V ~uint8]() codec[V] {
	return sized(1, "1",
		func(v []byte) (V, reason) { return V(v[0]), "" },
		func(b []byte, v V) []byte { return append(b, byte(v)) })
}

func appendAddr(b []byte, a netip.Addr) []byte { return append(b, a.AsSlice()...) }

func readRate(v []byte) (BitsPerSecond, reason) {
	return bandwidth(math.Float32frombits(binary.BigEndian.Uint32(v)))
}

func appendRate(b []byte, r BitsPerSecond) []byte {
	return binary.BigEndian.AppendUint32(b, math.Float32bits(r.octets()))
}

// wordList is a list of four-octet numbers. An empty one says nothing, which is
// not that there are none.
var wordList = codec[[]uint32]{
	func(_ *decoder, v []byte, _ int) ([]uint32, reason) {
		if len(v) == 0 || len(v)%4 != 0 {
			return nil, wrongSize(len(v), "a multiple of 4, and at least 4")
		}
		words := make([]uint32, len(v)/4)
		for i := range words {
			words[i] = binary.BigEndian.Uint32(v[4*i:])
		}
		return words, ""
	},
	func(b []byte, words []uint32) []byte {
		for _, w := range words {
			b = binary.BigEndian.AppendUint32(b, w)
		}
		return b
	},
}

// octets is a string of at least one octet, kept as it is.
var octets = codec[[]byte]{
	func(_ *decoder, v []byte, _ int) ([]byte, reason) {
		if len(v) == 0 {
			return nil, wrongSize(0, "at least 1")
		}
		return slices.Clone(v), ""
	},
	func(b []byte, v []byte) []byte { return append(b, v...) },
}

// text is a name of a node or a link, 7-bit ASCII of at most 255 octets (RFC
// 9552 sections 5.3.1.3 and 5.3.2.7). Control characters are refused, as names
// end on terminals.
var text = codec[string]{
	func(_ *decoder, v []byte, _ int) (string, reason) {
		if len(v) == 0 || len(v) > 255 {
			return "", wrongSize(len(v), "1 to 255")
		}
		if slices.ContainsFunc(v, func(c byte) bool { return c < ' ' || c > '~' }) {
			return "", "is a name with characters that are not printable ASCII"
		}
		return string(v), ""
	},
	func(b []byte, v string) []byte { return append(b, v...) },
}
