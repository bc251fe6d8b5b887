package keying

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// stream sends packets through a lane, rate a second.
func stream(a, b *node, id, rate int) *testnet.Flow {
	return a.Flow(a.inner(id), b.Namespace, netip.AddrPortFrom(b.inner(id), 9), rate, marker)
}

// goesOn waits until so many more packets of a stream have arrived.
func goesOn(t testing.TB, f *testnet.Flow, packets int) {
	t.Helper()
	before := f.Arrived()
	eventually(t, fmt.Sprintf("%d more packets", packets), func() bool { return f.Arrived() >= before+packets })
}
