package bgp

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/transport"
)

func password(t *testing.T, text string) transport.Password {
	t.Helper()
	p, err := transport.NewPassword([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestGTSM: a router on the same link has a session; with TTL security at both
// ends, one behind another router has none, whoever dials.
func TestGTSM(t *testing.T) {
	t.Parallel() // it mostly waits
	here, middle, there := peertest.New(t), peertest.New(t), peertest.New(t)
	peertest.Cable("near", here, "10.1.0.1/24", middle, "10.1.0.2/24")
	peertest.Cable("far", middle, "10.2.0.1/24", there, "10.2.0.2/24")
	middle.Forward()
	here.Route("10.2.0.0/24", "10.1.0.2")
	there.Route("10.1.0.0/24", "10.2.0.1")
	const config = `
router bgp 65001
 bgp router-id %s
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.1.0.1 remote-as 65000
 neighbor 10.1.0.1 timers connect 1
 neighbor 10.1.0.1 ttl-security hops %d
 address-family ipv4 unicast
  network 192.0.2.0/24
`
	peertest.NewFRR(middle, "10.1.0.2", fmt.Sprintf(config, "10.1.0.2", 1))
	f := peertest.NewFRR(there, "10.2.0.2", fmt.Sprintf(config, "10.2.0.2", 2))
	peer := func(name, address string, hops int) Peer {
		return Peer{Name: name, Address: netip.MustParseAddr(address), AS: 65001, Families: []message.Family{message.IPv4Unicast}, TTLSecurity: hops}
	}
	listen := []netip.AddrPort{netip.MustParseAddrPort("10.1.0.1:179")}
	c := start(t, Config{Sockets: here.Sockets, Listen: listen}, peer("near", "10.1.0.2", 1), peer("far", "10.2.0.2", 1))
	c.has("near", "192.0.2.0/24")
	if s := c.state("near"); s.Security != "GTSM, on the same link" {
		t.Error(s.Security)
	}
	s := c.without("far", "with TTL security the peer must send with TTL 255 and be at most 1 hops away")
	if s.Updates != 0 {
		t.Errorf("%+v", s)
	}
	// It has tried as well, and got no further than a connection: nothing that it
	// says arrives.
	var state map[string]struct{ BgpState string }
	if err := f.JSON("show bgp neighbors 10.1.0.1 json", &state); err != nil || state["10.1.0.1"].BgpState == "Established" {
		t.Error(state, err)
	}
	// One hop more, and it is near enough; the other session is not touched.
	up := c.state("near").Since
	if err := c.speaker.SetPeers([]Peer{peer("near", "10.1.0.2", 1), peer("far", "10.2.0.2", 2)}); err != nil {
		t.Fatal(err)
	}
	c.has("far", "192.0.2.0/24")
	if s := c.state("near"); !s.Since.Equal(up) || s.Flaps != 0 {
		t.Errorf("the near peer felt it: %+v", s)
	}
}

// TestMD5: with the same password there is a session, in both directions and
// families; with another, or none, there is none.
func TestMD5(t *testing.T) {
	t.Parallel() // it mostly waits
	here, there := pair(t)
	// The router listens only and, at its other address, dials only.
	peertest.NewFRR(there, "fd00::2", fmt.Sprintf(frrConfig, "neighbor fd00::1 password sesame\n neighbor fd00::1 passive"))
	peertest.NewFRR(there, "10.9.0.2", `
router bgp 65002
 bgp router-id 10.0.0.3
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.9.0.1 remote-as 65000
 neighbor 10.9.0.1 timers connect 1
 neighbor 10.9.0.1 password sesame
 address-family ipv4 unicast
  network 192.0.2.0/24
`)
	peers := func(text string) []Peer {
		six, four := frrPeer(), Peer{Name: "dials", Address: netip.MustParseAddr("10.9.0.2"), AS: 65002, Families: []message.Family{message.IPv4Unicast}, Passive: true}
		if text != "" {
			six.Password, four.Password = password(t, text), password(t, text)
		}
		return []Peer{six, four}
	}
	listen := []netip.AddrPort{netip.MustParseAddrPort("10.9.0.1:179"), netip.MustParseAddrPort("[fd00::1]:179")}
	c := start(t, Config{Sockets: here.Sockets, Listen: listen}, peers("wrong")...)
	c.without("frr", "i/o timeout (the peer must have the same TCP MD5 password)")
	if s := c.state("dials"); s.State == fsm.Established || s.Updates+s.Flaps > 0 {
		t.Errorf("with a wrong password: %+v", s)
	}
	if err := c.speaker.SetPeers(peers("sesame")); err != nil {
		t.Fatal(err)
	}
	c.has("frr", "2001:db8:1::/48", "2001:db8:2::/48")
	c.has("dials", "192.0.2.0/24")
	if s := c.state("frr"); s.Security != "TCP MD5" || strings.Contains(fmt.Sprintf("%+v %#v", peers("sesame"), s), "sesame") {
		t.Errorf("%+v", s)
	}
	// Without a password on this side it is over, also for the one that dials: the
	// listener has forgotten the password.
	if err := c.speaker.SetPeers(peers("")); err != nil {
		t.Fatal(err)
	}
	c.without("frr", "i/o timeout")
	if s := c.state("dials"); s.State == fsm.Established || s.Updates > 0 {
		t.Errorf("without a password: %+v", s)
	}
}

// TestStrangersAreClosed: a connection from an address that is no peer's ends
// before a word is said.
func TestStrangersAreClosed(t *testing.T) {
	t.Parallel() // it mostly waits
	here, there := pair(t)
	c := start(t, Config{Sockets: here.Sockets, Listen: []netip.AddrPort{netip.MustParseAddrPort("[fd00::1]:179")}}, Peer{
		Name: "expected", Address: netip.MustParseAddr("fd00::3"), AS: 65001, Families: []message.Family{message.LinkState}, Passive: true})
	var tcp net.Conn
	if err := there.Sockets(func() (err error) {
		tcp, err = net.Dial("tcp", "[fd00::1]:179")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(peertest.Deadline))
	_, _ = tcp.Write(message.AppendKeepalive(nil))
	if n, err := tcp.Read(make([]byte, 100)); n != 0 || err == nil {
		t.Errorf("%d octets came, %v", n, err)
	}
	if n := c.speaker.Refused(); n != 1 {
		t.Errorf("%d refused", n)
	}
	if s := c.is("expected", fsm.Active, ""); s.LastError != "" {
		t.Errorf("%+v", s)
	}
}
