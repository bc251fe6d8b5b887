package way

import (
	"encoding/binary"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// The pre-allocated trace, RFC 9197 section 4.4 in the option of RFC 9486
// section 3: option type and length, a reserved byte, the type of IOAM option;
// namespace, a word of node length, flags and remaining length, and the trace
// type; then the space.
const (
	optionIOAM  = 0x31
	tracePre    = 0
	traceHeader = 8
	optionMost  = 255
	// traceType asks for hop limit with node number and for the numbers of
	// ingress and egress: 4 bytes each. The egress of Linux is not that which
	// End.X takes, so nobody looks at it.
	traceType  = 0xc00000
	entryLen   = 8
	nodeLen    = entryLen / 4
	maxEntries = (optionMost - 2 - traceHeader) / entryLen
	remaining  = 0x7f
)

// entry is what one node wrote.
type entry struct {
	hops uint8 // limit, after the node took one off
	node uint32
	link uint16
}

// appendTrace appends a hop-by-hop header with an empty trace for as many
// entries.
func appendTrace(b []byte, next byte, entries int) []byte {
	at := len(b)
	// PadN aligns the option (RFC 9486 section 3: 4n).
	b = append(b, next, 0, optionPadN, 0)
	b = append(b, optionIOAM, byte(2+traceHeader+entryLen*entries), 0, tracePre)
	b = binary.BigEndian.AppendUint16(b, nodecfg.OAMNamespaceID)
	b = binary.BigEndian.AppendUint16(b, uint16(nodeLen<<11|nodeLen*entries))
	b = binary.BigEndian.AppendUint32(b, traceType<<8)
	b = append(b, make([]byte, entryLen*entries)...)
	switch pad := -(len(b) - at) & 7; pad {
	case 0:
	case 1:
		b = append(b, optionPad1)
	default:
		b = append(append(b, optionPadN, byte(pad-2)), make([]byte, pad-2)...)
	}
	b[at+1] = byte((len(b)-at)/8 - 1)
	return b
}

const (
	optionPad1 = 0
	optionPadN = 1
)

// parseTrace reads the trace in a hop-by-hop header, in the order in which the
// nodes wrote; not ok where there is none of ours.
func parseTrace(b []byte) (entries []entry, ok bool) {
	if len(b) < 8 || len(b) < 8+8*int(b[1]) {
		return nil, false
	}
	for b = b[2 : 8+8*int(b[1])]; len(b) > 0; {
		if b[0] == optionPad1 {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return nil, false
		}
		option := b[2 : 2+int(b[1])]
		if b[0] == optionIOAM {
			return parsePre(option)
		}
		b = b[2+len(option):]
	}
	return nil, false
}

func parsePre(b []byte) ([]entry, bool) {
	if len(b) < 2+traceHeader || b[1] != tracePre {
		return nil, false
	}
	b = b[2:]
	word := binary.BigEndian.Uint16(b[2:])
	if binary.BigEndian.Uint16(b) != nodecfg.OAMNamespaceID || word>>11 != nodeLen || binary.BigEndian.Uint32(b[4:])>>8 != traceType {
		return nil, false
	}
	space, left := b[traceHeader:], 4*int(word&remaining)
	if left > len(space) || (len(space)-left)%entryLen != 0 {
		return nil, false
	}
	var entries []entry
	for at := len(space) - entryLen; at >= left; at -= entryLen {
		first := binary.BigEndian.Uint32(space[at:])
		entries = append(entries, entry{
			hops: uint8(first >> 24), node: first & nodecfg.OAMUnknownNode,
			link: binary.BigEndian.Uint16(space[at+4:]),
		})
	}
	return entries, true
}
