package lane

import "net"

// What a lane's peer may send from and be sent: everything.
func allAddresses() []net.IPNet {
	return []net.IPNet{
		{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	}
}

func everything(nets []net.IPNet) bool {
	v4, v6 := false, false
	for _, n := range nets {
		ones, bits := n.Mask.Size()
		v4 = v4 || ones == 0 && bits == 32
		v6 = v6 || ones == 0 && bits == 128
	}
	return len(nets) == 2 && v4 && v6
}
