package bgp

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
)

// exabgpConfig is a speaker in another AS. Of its routes the second has
// communities of five octets, which RFC 7606 wants to be treated as withdrawn,
// and the third a path attribute that nobody knows. What it hears it writes to
// a file, as JSON.
const exabgpConfig = `
process log {
  run /usr/bin/python3 %s;
  encoder json;
}
neighbor 10.9.0.1 {
  router-id 10.0.0.4;
  local-address 10.9.0.2;
  local-as 65001;
  peer-as 65000;
  family {
    ipv4 unicast;
    bgp-ls bgp-ls;
  }
  api {
    processes [ log ];
    receive { parsed; update; }
  }
  static {
    route 192.0.2.0/24 next-hop 10.9.0.2 community [ 65001:7 ];
    route 198.51.100.0/24 next-hop 10.9.0.2 attribute [ 0x08 0xc0 0x0102030405 ];
    route 203.0.113.0/24 next-hop 10.9.0.2 attribute [ 0xfe 0xc0 0x01 ];
  }
}
`

// exabgpLog is the process that ExaBGP talks to. It does not wait in read, as
// cat does, because ExaBGP has made the pipe one that never waits.
const exabgpLog = `
import os, select
with open("%s", "ab", 0) as f:
    while select.select([0], [], []):
        b = os.read(0, 65536)
        if not b:
            break
        f.write(b)
`

// TestExaBGP: ExaBGP 4.2 cannot originate BGP-LS or SR Policies, but it reads
// BGP-LS: it says what it was told, and sends what no router does.
func TestExaBGP(t *testing.T) {
	t.Parallel() // it mostly waits
	program := peertest.Program(t, "/usr/sbin/exabgp", "exabgp")
	here, there := pair(t)
	dir := t.TempDir()
	heard, script, config := filepath.Join(dir, "heard"), filepath.Join(dir, "log.py"), filepath.Join(dir, "exabgp.conf")
	for name, text := range map[string]string{script: fmt.Sprintf(exabgpLog, heard), config: fmt.Sprintf(exabgpConfig, script)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	there.Start([]string{"exabgp_daemon_user=root", "exabgp_api_cli=false", "exabgp_log_destination=stdout"}, program, config)
	c := start(t, Config{Sockets: here.Sockets, Listen: []netip.AddrPort{netip.MustParseAddrPort("10.9.0.1:179")}}, Peer{
		Name: "exabgp", Address: netip.MustParseAddr("10.9.0.2"), AS: 65001, Families: []message.Family{message.IPv4Unicast, message.LinkState}, Passive: true})

	attribute, err := ls.AppendAttribute(nil, &ls.NodeAttribute{Name: "tyo1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.speaker.Announce("exabgp", rib.Route{Family: message.LinkState, NLRI: nlri(t, node(7)),
		Attributes: []message.Attribute{{Flags: message.Optional, Type: message.LinkStateType, Value: attribute}}}); err != nil {
		t.Fatal(err)
	}
	c.announce("exabgp", "10.77.0.0/16")
	c.complete("exabgp", message.LinkState, message.IPv4Unicast)

	c.has("exabgp", "192.0.2.0/24", "203.0.113.0/24")
	c.completed("exabgp", message.IPv4Unicast)
	c.faulty("exabgp: path attribute 8 of 5 octets is malformed: treat-as-withdraw")
	if s := c.is("exabgp", fsm.Established, ""); s.Faults != 1 || s.Objects != 2 {
		t.Errorf("%+v", s)
	}
	c.mu.Lock()
	for name, o := range c.objects["exabgp"] {
		if o.NextHop != netip.MustParseAddr("10.9.0.2") || len(o.Attributes) != 4 {
			t.Errorf("%v: %+v", name, o)
		}
	}
	c.mu.Unlock()
	peertest.Eventually(t, "ExaBGP has read it all", func() string {
		text, err := os.ReadFile(heard)
		for _, want := range []string{`"10.77.0.0/16"`, `"ls-nlri-type": "bgpls-node"`, `"router-id": "000000000007"`, `"node-name": "tyo1"`, `"eor": { "afi" : "bgp-ls", "safi" : "bgp-ls" }`} {
			if !strings.Contains(string(text), want) {
				return fmt.Sprintf("%s is missing: %s %v", want, text, err)
			}
		}
		return ""
	})
}
