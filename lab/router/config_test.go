package router

import (
	"os"
	"strings"
	"testing"
)

const good = `apiVersion: keiro/v1
kind: LabRouter
metadata: {name: two}
spec:
  as: 65000
  routerID: 10.255.0.3
  locator: "5f00:0:3::/48"
  neighbors: [{address: "fd00::1"}]
  links:
    - {interface: eth1, neighbor: 10.255.0.4, metric: 10, bandwidth: 400Mbps, delay: 2235us, srlgs: [104]}
    - {interface: eth2, neighbor: 10.255.0.5}
  routes:
    - {to: "5f00:0:4::/48", interface: eth1}
`

func TestMistakes(t *testing.T) {
	for _, tt := range [][3]string{
		{"as: 65000", "as: 0", "spec.as: bad number 0"},
		{"routerID: 10.255.0.3", "routerID: fd00::3", "spec.routerID: bad router ID"},
		{"5f00:0:3::/48", "fd00::/48", "spec.locator: bad locator"},
		{"fd00::1", "fe80::1", "spec.neighbors[0].address: bad address"},
		{"eth2,", "eth1,", "spec.links[1].interface: eth1 has a link already"},
		{"metric: 10", "metric: 16777215", "spec.links[0].metric: bad number"},
		{"srlgs: [104]", "srlgs: [-1]", "spec.links[0].srlgs[0]: bad number"},
		{"srlgs: [104]", "srlg: [104]", "unknown key"},
		{"5f00:0:4::/48", "5f00:0:4::1/48", "spec.routes[0].to: bad prefix"},
		{"/48\", interface: eth1}", "/48\", interface: eth9}", "spec.routes[0].interface: no link"},
		{"kind: LabRouter", "kind: Router", "kind"},
	} {
		text := strings.Replace(good, tt[0], tt[1], 1)
		if _, err := Parse("two.yaml", []byte(text)); text == good || err == nil || !strings.Contains(err.Error(), tt[2]) {
			t.Errorf("%s: %v, want %s", tt[1], err, tt[2])
		}
	}
	if _, err := Parse("two.yaml", []byte(good+"---\n"+good)); err == nil || !strings.Contains(err.Error(), "there is a router two already") {
		t.Errorf("twice: %v", err)
	}
}

func TestExample(t *testing.T) {
	data, err := os.ReadFile("../../examples/bgp.routers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	routers, err := Parse("bgp.routers.yaml", data)
	if err != nil || len(routers) != 4 {
		t.Fatalf("%d routers, %v", len(routers), err)
	}
	if _, err := Find(routers, "nobody"); err == nil {
		t.Error("found nobody")
	}
	if r, err := Find(routers, "hij1"); err != nil || systemID(r.RouterID) != "0102.5500.0013" {
		t.Errorf("%+v, %v", r, err)
	}
}
