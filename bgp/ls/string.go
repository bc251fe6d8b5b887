package ls

import (
	"fmt"
	"net/netip"
	"strings"
)

// String names the node: its router ID, then what else sets it apart.
func (n NodeDescriptor) String() string {
	var s strings.Builder
	if n.IGPRouterID != (IGPRouterID{}) || !n.BGPRouterID.Known {
		s.WriteString(n.IGPRouterID.String())
	} else {
		s.WriteString(dotted(n.BGPRouterID.Value))
	}
	if n.AutonomousSystem.Known {
		fmt.Fprintf(&s, " as %d", n.AutonomousSystem.Value)
	}
	if n.OSPFAreaID.Known {
		fmt.Fprintf(&s, " area %s", dotted(n.OSPFAreaID.Value))
	}
	return s.String()
}

// String names protocol and instance.
func (o Origin) String() string {
	s := fmt.Sprintf("%v/%d", o.Protocol, o.Identifier)
	if o.RD.Known {
		s += fmt.Sprintf(" rd %x", o.RD.Value)
	}
	return s
}

func (n Node) String() string { return fmt.Sprintf("node %v %v", n.Origin, n.Local) }

func (l Link) String() string {
	return fmt.Sprintf("link %v %v to %v%v", l.Origin, l.Local, l.Remote, l.LinkDescriptor)
}

// String begins with a space before each thing it has to say.
func (l LinkDescriptor) String() string {
	var s strings.Builder
	for _, pair := range [][2]netip.Addr{{l.IPv4Interface, l.IPv4Neighbor}, {l.IPv6Interface, l.IPv6Neighbor}} {
		if pair != ([2]netip.Addr{}) {
			fmt.Fprintf(&s, " %s-%s", addrText(pair[0]), addrText(pair[1]))
		}
	}
	if id, ok := l.Identifiers.Get(); ok {
		fmt.Fprintf(&s, " id %d-%d", id.Local, id.Remote)
	}
	if l.MultiTopology.Known {
		fmt.Fprintf(&s, " mt %d", l.MultiTopology.Value.ID())
	}
	return s.String()
}

// addrText is an address, or a sign that it was not sent.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return "?"
	}
	return a.String()
}

func (p Prefix) String() string { return fmt.Sprintf("prefix %v %v %v", p.Origin, p.Local, p.Prefix) }

func (s SRv6SID) String() string { return fmt.Sprintf("SRv6 SID %v %v %v", s.Origin, s.Local, s.SID) }

func (o Opaque) String() string { return fmt.Sprintf("%v NLRI of %d octets", o.NLRIType, len(o.Body)) }
