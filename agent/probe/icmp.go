package probe

import (
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// ICMPv6 messages that end the way of a packet, RFC 4443 section 3.
const (
	icmpUnreachable  = 1
	icmpTimeExceeded = 3
	icmpParameter    = 4
	icmpLen          = 8
)

// icmpError is what a node answered to a packet of a trace.
type icmpError struct{ kind, code byte }

// passed says that the node forwards packets of the path: it only ran out of
// hop limit.
func (e icmpError) passed() bool { return e.kind == icmpTimeExceeded && e.code == 0 }

// String is the error in the words of RFC 4443.
func (e icmpError) String() string {
	unreachable := []string{
		"no route to destination", "communication administratively prohibited",
		"beyond scope of source address", "address unreachable", "port unreachable",
		"source address failed policy", "reject route to destination", "error in source routing header",
	}
	switch {
	case e.kind == icmpUnreachable && int(e.code) < len(unreachable):
		return unreachable[e.code]
	case e.kind == icmpUnreachable:
		return "destination unreachable"
	case e.kind == icmpParameter:
		return "parameter problem: it does not process this SID"
	}
	return "time exceeded"
}

// parseError reads an ICMPv6 message, beginning with its type, about a probe:
// what the error is and the test packet in the probe that it quotes. Nodes
// have changed the probe on its way, so only its shape is looked at; the test
// packet is authentic or not.
func parseError(b []byte) (e icmpError, test []byte, ok bool) {
	if len(b) < icmpLen {
		return e, nil, false
	}
	e = icmpError{kind: b[0], code: b[1]}
	switch e.kind {
	case icmpUnreachable, icmpTimeExceeded, icmpParameter:
	default:
		return e, nil, false
	}
	next, b, ok := cutIPv6(b[icmpLen:])
	if ok && next == wire.ProtoRouting {
		next, b, ok = cutRouting(b)
	}
	if !ok || next != wire.ProtoIPv6 {
		return e, nil, false
	}
	next, b, ok = cutIPv6(b)
	if !ok || next != wire.ProtoUDP || len(b) < wire.UDPLen+stamp.Len {
		return e, nil, false
	}
	return e, b[wire.UDPLen : wire.UDPLen+stamp.Len], true
}

// cutIPv6 takes an IPv6 header off and says what follows.
func cutIPv6(b []byte) (next byte, rest []byte, ok bool) {
	if len(b) < wire.IPv6Len || b[0]>>4 != 6 {
		return 0, nil, false
	}
	return b[6], b[wire.IPv6Len:], true
}

// cutRouting takes a routing header off.
func cutRouting(b []byte) (next byte, rest []byte, ok bool) {
	if len(b) < wire.SRHLen {
		return 0, nil, false
	}
	n := 8 + 8*int(b[1])
	if len(b) < n {
		return 0, nil, false
	}
	return b[0], b[n:], true
}

// newErrorSocket hears the three messages and no other ICMPv6.
func newErrorSocket() (int, error) {
	fd, err := wire.Receiver(unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
	if err != nil {
		return -1, err
	}
	block := unix.ICMPv6Filter{}
	for i := range block.Data {
		block.Data[i] = ^uint32(0)
	}
	for _, kind := range []byte{icmpUnreachable, icmpTimeExceeded, icmpParameter} {
		block.Data[kind/32] &^= 1 << (kind % 32)
	}
	if err := unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &block); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
