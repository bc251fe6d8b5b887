package srpolicy_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/controller/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/bgp/update"
)

func TestRoundTripTunnel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tunnels.Draw(t, "tunnel")
		b, err := srpolicy.AppendTunnel([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, faults := srpolicy.DecodeTunnel(b[len("before"):])
		if len(faults) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%x\ngot %v\n%s\nwant\n%s", b, faults, dump(got), dump(want))
		}
	})
}

func TestRoundTripNLRIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		f := rapid.SampledFrom([]update.Family{update.IPv4SRPolicy, update.IPv6SRPolicy}).Draw(t, "family")
		want := slices.DeleteFunc(rapid.SliceOfN(nlris, 0, 5).Draw(t, "NLRIs"), func(n srpolicy.NLRI) bool { return n.Family() != f })
		for _, n := range want {
			b = srpolicy.AppendNLRI(b, n)
		}
		if got, faults := srpolicy.DecodeNLRIs(b, f); len(faults) > 0 || !slices.Equal(got, want) {
			t.Fatalf("%x\ngot  %v, %v\nwant %v", b, got, faults, want)
		}
	})
}
