package egress

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, refused := range []string{
		"127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"0.0.0.0", "255.255.255.255", "224.0.0.1", "198.18.0.1", "192.0.0.170",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1", "5f00:0:1::1", "64:ff9b::a01:203", "64:ff9b:1::1",
		"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::10.1.2.3", "2002:a01:203::1", "2001:0:1::1", "2001:db8::1",
	} {
		if err := (Policy{}).Check(netip.AddrPortFrom(netip.MustParseAddr(refused), 443)); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", refused, err)
		}
	}
	for _, public := range []string{"8.8.8.8", "172.32.0.1", "172.15.255.255", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "2400::1"} {
		if err := (Policy{}).Check(netip.AddrPortFrom(netip.MustParseAddr(public), 443)); err != nil {
			t.Errorf("%s: %v", public, err)
		}
	}
}

func TestAllow(t *testing.T) {
	p := Policy{Own: func(a netip.AddrPort) bool { return a == netip.MustParseAddrPort("10.0.0.1:7080") }}
	for _, text := range []string{"10.0.0.0/8", "fd00::5"} {
		prefix, err := ParseAllow(text)
		if err != nil {
			t.Fatal(err)
		}
		p.Allow = append(p.Allow, prefix)
	}
	for to, yes := range map[string]bool{
		"10.0.0.1:9093": true, "[::ffff:10.0.0.1]:9093": true, "[fd00::5]:443": true, "[fd00::6]:443": false, "127.0.0.1:443": false,
		"10.0.0.1:7080": false, "[::ffff:10.0.0.1]:7080": false,
	} {
		if err := p.Check(netip.MustParseAddrPort(to)); (err == nil) != yes {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, bad := range []string{"", "10.0.0.0/33", "10.0.0.5/8", "example.net", "fe80::1%eth0", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104"} {
		if p, err := ParseAllow(bad); err == nil {
			t.Errorf("%q: %v", bad, p)
		}
	}
}

// TestControl: the dialer asks for the address that it has resolved, of every
// one that a name has.
func TestControl(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d := net.Dialer{Control: Policy{}.Control}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"} {
		if conn, err := d.DialContext(context.Background(), "tcp", host+":"+port); err == nil {
			t.Errorf("%s was dialed", host)
			conn.Close()
		} else if host != "2130706433" && !strings.Contains(err.Error(), "refused: it is") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := (Policy{}).Control("tcp", "example.net:443", nil); err == nil {
		t.Error("a name is no address")
	}
}
