package bgp

import (
	"log/slog"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// FuzzUpdate feeds whole UPDATEs to an established session, without its
// sockets. Nothing that a peer can send makes it panic, hang or take memory out
// of proportion, and what a consumer hears of it has a name that it can use.
func FuzzUpdate(f *testing.F) {
	name := []byte{0x04, 0x02, 0, 4, 't', 'y', 'o', '1'}
	unicast := message.Update{NLRI: []byte{24, 10, 1, 2}, Withdrawn: []byte{8, 11}, Attributes: []message.Attribute{message.Origin(), message.ASPath(),
		{Flags: message.Transitive, Type: message.NextHopType, Value: []byte{10, 0, 0, 1}}, message.LocalPref(1)}}
	broken := objects(nlri(f, node(2)), []byte{0x04, 0x03, 0xff, 0xff, 1})
	gone := message.Update{Unreach: &message.Unreach{Family: message.LinkState, NLRI: nlri(f, node(1))}}
	policy, err := srpolicy.Route{CandidatePath: candidate(1), Direct: true}.Announce(route.Session{LocalAddress: netip.MustParseAddr("10.0.0.2")})
	if err != nil {
		f.Fatal(err)
	}
	for _, u := range []message.Update{policy, srpolicy.Withdraw(candidate(1).NLRI), objects(append(nlri(f, node(1)), nlri(f, node(2))...), name), broken, gone, unicast,
		message.EndOfRIB(message.LinkState), message.EndOfRIB(message.IPv4Unicast), objects([]byte{0, 1, 0xff, 0xff}, nil)} {
		b, err := message.AppendUpdate(nil, u, message.MaxLen)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[message.HeaderLen:], b[message.HeaderLen:])
	}
	s, err := New(f.Context(), Config{AS: 65000, ID: netip.MustParseAddr("10.0.0.1"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	families := []message.Family{message.LinkState, message.LinkStateVPN, message.IPv4Unicast, message.IPv6Unicast, message.IPv4SRPolicy, message.IPv6SRPolicy}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first)+len(second) > message.MaxExtended {
			return
		}
		p := newPeer(s, Peer{Name: "robot", Address: netip.MustParseAddr("10.0.0.2"), AS: 65000, Families: families, Limits: Limits{Objects: 1000}}, time.Now())
		p.session = &session{Session: fsm.Session{Families: families, Internal: true}, disabled: map[message.Family]bool{}}
		p.faulty = newBucket(time.Now(), 1, 1000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p.update(first)
		p.update(second)
		runtime.ReadMemStats(&after)
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 64<<20 {
			t.Fatalf("%d octets took %d of memory", len(first)+len(second), cost)
		}
		have, _ := p.in.Counts()
		told := 0
		for more := true; more; {
			b, rest := p.in.Take(100)
			more = rest
			told += len(b.Reach)
			for _, o := range b.Reach {
				link := o.Name.Family == message.LinkState || o.Name.Family == message.LinkStateVPN
				policy := o.Name.Family.SAFI == message.IPv6SRPolicy.SAFI
				if link != (o.LS != nil) || policy != o.Policy.Endpoint.IsValid() || (link || policy) == o.Prefix.IsValid() {
					t.Fatalf("%+v", o.Name)
				}
				if policy && o.Policy.Family() != o.Name.Family {
					t.Fatalf("%v in %v", o.Policy, o.Name.Family)
				}
				if link {
					if _, err := ls.AppendNLRI(nil, o.LS); err != nil {
						t.Fatalf("%v: %v", o.LS, err)
					}
				}
			}
		}
		if told != have {
			t.Fatalf("%d objects were told, there are %d", told, have)
		}
	})
}
