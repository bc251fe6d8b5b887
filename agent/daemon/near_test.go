package daemon

import (
	"net/netip"
	"slices"
	"testing"
)

// What a machine is attached to are networks, and the controller is an address.
func TestNear(t *testing.T) {
	controller := netip.MustParseAddr("192.0.2.9")
	with, without := near(controller), near(netip.Addr{})
	if with[0] != netip.MustParsePrefix("192.0.2.9/32") || !slices.Equal(with[1:], without) {
		t.Errorf("%v, without a controller %v", with, without)
	}
	for _, p := range without { // such as 127.0.0.0/8
		if !p.IsValid() || p != p.Masked() || p.IsSingleIP() || p.Addr().Is4In6() {
			t.Errorf("%v", p)
		}
	}
}
