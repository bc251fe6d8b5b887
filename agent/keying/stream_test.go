package keying

import (
	"net/netip"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// stream sends packets through a lane, rate a second.
func stream(a, b *node, id, rate int) *testnet.Flow {
	return a.Flow(a.inner(id), b.Namespace, netip.AddrPortFrom(b.inner(id), 9), rate, marker)
}
