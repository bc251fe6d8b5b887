package update_test

import (
	"net/netip"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/controller/bgp/ls"
	"github.com/keiro-net/keiro/controller/bgp/update"
	"github.com/keiro-net/keiro/controller/bgp/update/apart"
)

func TestRoundTrip(t *testing.T) {
	octets := func(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), n, n) }
	rapid.Check(t, func(t *rapid.T) {
		s := update.Session{External: rapid.Bool().Draw(t, "external"), LocalAS: rapid.Uint32().Draw(t, "as"),
			FourOctetAS: rapid.Bool().Draw(t, "four octets"), ExtendedNextHop: true}
		f := rapid.SampledFrom([]update.Family{update.IPv4Unicast, update.IPv6Unicast, update.IPv4SRPolicy, update.IPv6SRPolicy}).Draw(t, "family")
		a := update.Attributes{NextHop: netip.AddrFrom16([16]byte(octets(16).Draw(t, "next hop")))}
		if f != update.IPv6Unicast && rapid.Bool().Draw(t, "IPv4 next hop") {
			a.NextHop = netip.AddrFrom4([4]byte(octets(4).Draw(t, "next hop")))
		}
		if !s.External {
			a.LocalPref = ls.Some(rapid.Uint32().Draw(t, "local preference"))
		}
		for _, c := range rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "communities") {
			a.Communities = append(a.Communities, update.Community(c))
		}
		for range rapid.IntRange(0, 3).Draw(t, "extended communities") {
			a.ExtendedCommunities = append(a.ExtendedCommunities, update.ExtendedCommunity(octets(8).Draw(t, "")))
		}
		if tunnel := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "tunnel"); len(tunnel) > 0 {
			a.TunnelEncapsulation = tunnel
		}
		nlris := rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "NLRIs")
		b, err := update.Announce(s, f, nlris, a)
		if err != nil {
			t.Fatal(err)
		}
		m := apart.Update(t, b)
		back, of, reached, faults := update.Read(s, m.Attribute)
		if f == update.IPv4Unicast && a.NextHop.Is4() {
			reached = m.NLRI
		}
		if len(faults) > 0 || of != f || !reflect.DeepEqual(back, a) || !reflect.DeepEqual(reached, nlris) {
			t.Fatalf("%x\ngot  %v %+v %x %v\nwant %v %+v %x", b, of, back, reached, faults, f, a, nlris)
		}
	})
}

// TestReadFaults: RFC 7606, section by section.
func TestReadFaults(t *testing.T) {
	with := func(of uint8, value string) map[uint8]string {
		m := map[uint8]string{3: "c0000201"}
		m[of] = value
		return m
	}
	tests := map[string]struct {
		attributes map[uint8]string
		external   bool
		worst      update.Action
	}{
		"nothing wrong":                         {with(8, "ffffff01"), false, 0},
		"next hop missing":                      {nil, false, update.TreatAsWithdraw},
		"next hop of 5 octets, 7.3":             {with(3, "c000020100"), false, update.TreatAsWithdraw},
		"local preference of 3 octets, 7.5":     {with(5, "000001"), false, update.TreatAsWithdraw},
		"the same from another AS, 7.5":         {with(5, "000001"), true, 0},
		"no communities, 7.8":                   {with(8, ""), false, update.TreatAsWithdraw},
		"communities of 6 octets, 7.8":          {with(8, "ffffff010000"), false, update.TreatAsWithdraw},
		"no extended communities, 7.14":         {with(16, ""), false, update.TreatAsWithdraw},
		"extended communities of 4 octets 7.14": {with(16, "030b0000"), false, update.TreatAsWithdraw},
		"reach ends within its header, 7.11":    {with(14, "00014904"), false, update.DisableFamily},
		"reach ends within its next hop, 7.11":  {with(14, "00014904c00002"), false, update.DisableFamily},
		"reach ends before its reserved octet":  {with(14, "00014904c0000201"), false, update.DisableFamily},
		"next hop of 5 octets, 7.11":            {with(14, "00014905c00002010000"), false, update.DisableFamily},
		"next hop of 32 octets":                 {with(14, "00024920"+"20010db8000000000000000000000001"+"fe800000000000000000000000000001"+"00"), false, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, _, faults := update.Read(update.Session{External: test.external}, func(of uint8) ([]byte, bool) {
				v, ok := test.attributes[of]
				return apart.Hex(t, v), ok
			})
			if faults.Worst() != test.worst {
				t.Errorf("%v, want %v", faults, test.worst)
			}
		})
	}
}

func TestColors(t *testing.T) {
	var a update.Attributes
	for _, e := range []string{"030b000000000005", "030b400000000009", "0102c000020100ff", "030bffff00000007", "430b000000000008", "030c000000000009"} {
		a.ExtendedCommunities = append(a.ExtendedCommunities, update.ExtendedCommunity(apart.Hex(t, e)))
	}
	// Type 3 reads as type 0 (RFC 9830 section 3); non-transitive is another one.
	want := []update.Color{{Value: 9, Only: update.NullEndpoint}, {Value: 7}, {Value: 5}}
	if got := a.Colors(); !reflect.DeepEqual(got, want) {
		t.Errorf("colors %v, want %v", got, want)
	}
	if got := a.RouteTargets(); !reflect.DeepEqual(got, []netip.Addr{hop4}) {
		t.Errorf("route targets %v", got)
	}
}

// TestManyFaults: the gravest is among those kept.
func TestManyFaults(t *testing.T) {
	var faults update.Faults
	for range 100 {
		faults.Add(update.Fault{Action: update.DiscardAttribute})
	}
	faults.Add(update.Fault{Action: update.DisableFamily})
	for range 9 {
		faults.Add(update.Fault{Action: update.TreatAsWithdraw})
	}
	last := faults[len(faults)-1]
	if len(faults) != update.MaxFaults || faults.Worst() != update.DisableFamily || last.More != 78 || last.Error() == "" {
		t.Errorf("%d faults, %v", len(faults), last)
	}
}

// costs fails if reading one attribute takes memory out of proportion to it.
func costs(t *testing.T, of uint8, v []byte, external bool) (a update.Attributes, faults update.Faults) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a, _, _, faults = update.Read(update.Session{External: external}, func(asked uint8) ([]byte, bool) { return v, asked == of })
	runtime.ReadMemStats(&after)
	// Garbage counted, and what runs beside the test.
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(20*len(v))+1<<20 {
		t.Fatalf("%d octets of input took %d of memory", len(v), got)
	}
	return a, faults
}

func TestCosts(t *testing.T) {
	for _, of := range []uint8{8, 14, 16, 23} {
		costs(t, of, make([]byte, 65528), false)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(uint8(14), []byte("\x00\x01\x49\x04\xc0\x00\x02\x01\x00"), true)
	f.Add(uint8(16), make([]byte, 80), false)
	f.Add(uint8(8), make([]byte, 40), false)
	f.Fuzz(func(t *testing.T, of uint8, v []byte, external bool) {
		if len(v) > 65535 {
			return // no path attribute is longer
		}
		a, faults := costs(t, of, v, external)
		for _, f := range faults {
			if f.Error() == "" || f.Action == 0 {
				t.Fatalf("fault %+v", *f)
			}
		}
		if faults.Worst() == 0 && !a.NextHop.IsValid() {
			t.Fatal("no next hop and no fault")
		}
		a.Colors()
		a.RouteTargets()
	})
}
