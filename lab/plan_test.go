package lab

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

func TestPlanSaysAllThatIsWrong(t *testing.T) {
	file := triangle("bad")
	file.Nodes[0].Kind = "nokia_srlinux"
	file.Nodes[1].Labels = map[string]string{"loopback": "10.0.0.1 10.0.0.300/8 fe80::1%eth0"}
	file.Nodes[1].Sysctls = map[string]string{"kernel.hostname": "x", "net.ipv4../../../kernel/x": "1"}
	file.Nodes[2].Exec = []string{`ip "route`, "  "}
	file.Nodes[2].Binds = []string{"/a:tmp", "/tmp", "/a:/"}
	file.Links[0].MTU = 100
	file.Links[1].A.Node = "nobody"
	file.Links[2].A.MAC = "01:00:00:00:00:00"
	file.Links[3].B.Interface = "a/b"
	file.Links = append(file.Links, clab.Link{A: clab.Endpoint{Node: "a", Interface: "eth1"}, B: clab.Endpoint{Node: "b", Interface: "lo"}, Line: 77})
	_, err := newPlan(file, "/dir")
	if err == nil {
		t.Fatal("a file full of mistakes makes a plan")
	}
	for _, want := range []string{
		`nodes.a: kind "nokia_srlinux" cannot run here`, `"10.0.0.300/8"`, `"fe80::1%eth0"`, "kernel.hostname: a node has only",
		"net.ipv4../../../kernel/x: not the name", `exec "ip \"route": a " is not closed`, `exec "  ": no command`,
		`bad bind "/a:tmp"`, `bad bind "/tmp"`, `bad bind "/a:/"`, "mtu 100", `there is no node "nobody"`,
		`bad MAC address "01:00:00:00:00:00"`, `bad interface name "a/b"`, "line 77: links: endpoint b:lo",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	file = triangle("twice")
	file.Links[3].B.Interface = "eth1"
	if _, err := newPlan(file, "/dir"); err == nil || !strings.Contains(err.Error(), "a:eth1 has two links") {
		t.Errorf("two links in one interface: %v", err)
	}
	file = triangle("twice")
	file.Links[3].Traits.Name = "west"
	if _, err := newPlan(file, "/dir"); err == nil || !strings.Contains(err.Error(), "link west stands twice") {
		t.Errorf("two links of one name: %v", err)
	}
}

func TestPlan(t *testing.T) {
	file := triangle("good")
	file.Nodes[0].Cmd = "sleep 1"
	file.Nodes[1].Ignored = []string{"ports", "image"}
	file.Links = append(file.Links, clab.Link{A: clab.Endpoint{Node: "c", Interface: "e4"}, B: clab.Endpoint{Node: "a", Interface: "e4"}})
	p, err := newPlan(file, "/dir")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range p.Links {
		names = append(names, l.Name)
	}
	if want := []string{"a--b", "west", "c--a", "c--a#2", "c--a#3"}; !reflect.DeepEqual(names, want) {
		t.Errorf("links %v, want %v", names, want)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("10.3.0.1/32"), netip.MustParsePrefix("2001:db8:3::1/128")}; !reflect.DeepEqual(p.Nodes[2].Loopback, want) {
		t.Errorf("loopback of c %v, want %v", p.Nodes[2].Loopback, want)
	}
	if l := p.Links[1]; l.Capacity != 50e6 || l.MTU != 1500 || l.SRLGs != nil || p.Links[0].MTU != 9500 {
		t.Errorf("west: %+v", l)
	}
	notes := strings.Join(p.Notes, "\n")
	for _, want := range []string{"cmd has no meaning without a container and is ignored (a)", "ports has no", "image has no", "delay of 1 links"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes do not say %q:\n%s", want, notes)
		}
	}
	again, err := newPlan(file, "/dir")
	if err != nil || !same(p, again) {
		t.Errorf("the same file makes another plan (%v)", err)
	}
	file.Links[0].Traits.Capacity = topology.Declare(topology.Bandwidth(1))
	if other, err := newPlan(file, "/dir"); err != nil || same(p, other) {
		t.Errorf("another capacity makes the same plan (%v)", err)
	}
}

func TestParseBind(t *testing.T) {
	t.Setenv("HOME", "/users/me")
	for text, want := range map[string]bind{
		"/a/../b:/c/": {"/b", "/c", false}, "conf/x:/c:ro": {"/dir/conf/x", "/c", true}, "~/x:/c:z,ro": {"/users/me/x", "/c", true}, ".:/c:rw": {"/dir", "/c", false},
	} {
		if got, err := parseBind(text, "/dir"); err != nil || got != want {
			t.Errorf("parseBind(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestNetnsName(t *testing.T) {
	for prefix, want := range map[string]string{"clab": "clab-l-n", "": "n", "__lab-name": "l-n", "x": "x-l-n"} {
		if got := netnsName(&clab.File{Name: "l", Prefix: prefix}, "n"); got != want {
			t.Errorf("prefix %q: %s, want %s", prefix, got, want)
		}
	}
}

func TestSysctlPath(t *testing.T) {
	for key, want := range map[string]string{
		"net.ipv4.ip_forward": "/proc/sys/net/ipv4/ip_forward", "net/ipv4/conf/eth0.1/forwarding": "/proc/sys/net/ipv4/conf/eth0.1/forwarding",
		"net.ipv4.conf.eth0/1.forwarding": "/proc/sys/net/ipv4/conf/eth0.1/forwarding",
		"vm.swappiness":                   "", "net": "", "net.": "", "net/../kernel/hostname": "", "": "", "net..ipv4": "",
	} {
		if got, err := sysctlPath(key); got != want || (err == nil) != (want != "") {
			t.Errorf("sysctlPath(%q) = %q, %v; want %q", key, got, err, want)
		}
	}
}
