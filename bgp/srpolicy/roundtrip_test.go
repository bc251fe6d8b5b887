package srpolicy_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

func TestRoundTripTunnel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tunnels.Draw(t, "tunnel")
		b, err := srpolicy.AppendTunnel([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, fault := srpolicy.ParseTunnel(b[len("before"):])
		if fault != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%x\ngot %v\n%s\nwant\n%s", b, fault, dump(got), dump(want))
		}
	})
}

func TestRoundTripNLRIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		f := rapid.SampledFrom([]message.Family{message.IPv4SRPolicy, message.IPv6SRPolicy}).Draw(t, "family")
		want := slices.DeleteFunc(rapid.SliceOfN(nlris, 0, 5).Draw(t, "NLRIs"), func(n srpolicy.NLRI) bool { return n.Family() != f })
		for _, n := range want {
			b = srpolicy.AppendNLRI(b, n)
		}
		if got, fault := srpolicy.ParseNLRIs(b, f); fault != nil || !slices.Equal(got, want) {
			t.Fatalf("%x\ngot  %v, %v\nwant %v", b, got, fault, want)
		}
	})
}
