package lab

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/topology/clab"
)

// read reads a file inside a node.
func read(t *testing.T, l *Lab, node, path string) string {
	t.Helper()
	var text []byte
	err := l.In(node, func() (err error) {
		text, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestInterfacesAreAsTheFileSays(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	for _, want := range []struct {
		node, port, addrs string
		mtu               int
		mac               string
	}{
		{"a", "eth1", "192.168.0.1/30 fd00::1/64", 9500, ""},
		{"b", "eth2", "192.168.1.1/30 fd00:1::1/64", 1500, ""},
		{"c", "eth1", "192.168.1.2/30 fd00:1::2/64", 1500, ""},
		{"c", "eth3", "", 9500, "02:00:00:00:00:03"},
		{"a", "lo", "127.0.0.1/8 10.1.0.1/16 2001:db8:1::1/64 ::1/128", 65536, ""},
		{"c", "lo", "127.0.0.1/8 10.3.0.1/32 2001:db8:3::1/128 ::1/128", 65536, ""},
	} {
		err := l.In(want.node, func() error {
			port, err := net.InterfaceByName(want.port)
			if err != nil {
				return err
			}
			addrs, err := port.Addrs()
			if err != nil {
				return err
			}
			have := map[string]bool{}
			for _, a := range addrs {
				if !strings.HasPrefix(a.String(), "fe80:") {
					have[a.String()] = true
				}
			}
			for _, a := range strings.Fields(want.addrs) {
				if !have[a] {
					t.Errorf("%s %s: address %s is missing among %v", want.node, want.port, a, addrs)
				}
				delete(have, a)
			}
			if len(have) > 0 {
				t.Errorf("%s %s: addresses %v nobody asked for", want.node, want.port, have)
			}
			if port.MTU != want.mtu || want.mac != "" && port.HardwareAddr.String() != want.mac {
				t.Errorf("%s %s: mtu %d, mac %s; want %d, %s", want.node, want.port, port.MTU, port.HardwareAddr, want.mtu, want.mac)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Equal indices would make the kernel delay the news of a cut.
func TestNoInterfaceHasTheIndexOfItsPeer(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	for _, link := range l.plan.Links {
		for _, end := range link.Ends {
			err := l.In(end.Node, func() error {
				index, iflink, err := indices(end.Interface)
				if err == nil && index == iflink {
					t.Errorf("%s %s: index %d is also the index of its peer", end.Node, end.Interface, index)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSysctls(t *testing.T) {
	file := triangle(uniqueName())
	file.Nodes[0].Sysctls = map[string]string{
		"net.ipv4.ip_forward": "1", "net/ipv6/conf/all/forwarding": "1", "net.ipv4.conf.eth2.rp_filter": "2",
	}
	l := up(t, file)
	for path, want := range map[string]string{
		"/proc/sys/net/ipv4/ip_forward": "1", "/proc/sys/net/ipv6/conf/all/forwarding": "1",
		"/proc/sys/net/ipv4/conf/eth2/rp_filter": "2", "/proc/sys/net/ipv6/conf/eth1/accept_dad": "0",
	} {
		if got := read(t, l, "a", path); got != want {
			t.Errorf("node a: %s is %s, want %s", path, got, want)
		}
	}
	if got := read(t, l, "b", "/proc/sys/net/ipv6/conf/all/forwarding"); got != "0" {
		t.Errorf("node b: forwarding is %s, and nobody asked for it", got)
	}
}

func TestUpRefusesAndLeavesNothing(t *testing.T) {
	needRoot(t)
	for _, test := range []struct {
		name string
		edit func(f *clab.File)
		want string
	}{
		{"no such sysctl", func(f *clab.File) { f.Nodes[1].Sysctls = map[string]string{"net.ipv4.nothing": "1"} }, "node b: sysctl net.ipv4.nothing"},
		{"bad sysctl value", func(f *clab.File) { f.Nodes[1].Sysctls = map[string]string{"net.ipv4.ip_forward": "maybe"} }, "ip_forward=maybe"},
		{"no such program", func(f *clab.File) { f.Nodes[2].Exec = []string{"/no/such/program x"} }, `node c: exec "/no/such/program x"`},
		{"exec fails", func(f *clab.File) {
			f.Nodes[2].Env = map[string]string{"KEIRO_TEST_HELPER": "fail"}
			f.Nodes[2].Exec = []string{os.Args[0]}
		}, "exit status 3; it said: the oven is cold"},
		{"bind without source", func(f *clab.File) {
			f.Nodes[2].Exec = []string{os.Args[0]}
			f.Nodes[2].Binds = []string{"/no/such/source:/tmp"}
		}, "bind /no/such/source to /tmp"},
		{"address twice", func(f *clab.File) { f.Nodes[0].Labels["loopback"] = "10.0.0.1 10.0.0.1" }, "node a: put 10.0.0.1/32 on lo"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := triangle(uniqueName())
			test.edit(file)
			_, err := Up(t.Context(), file, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("up: %v\nwant an error with %q", err, test.want)
			}
			if got := remains(t, file.Name); len(got) != 0 {
				t.Errorf("left: %q", got)
			}
		})
	}
}

func TestExecEnvAndBinds(t *testing.T) {
	dir := t.TempDir()
	source, target, out := filepath.Join(dir, "source"), filepath.Join(dir, "target"), filepath.Join(dir, "out")
	for path, text := range map[string]string{source: "bound", target: "hidden"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := triangle(uniqueName())
	file.Nodes[1].Env = map[string]string{"KEIRO_TEST_HELPER": "show", "KEIRO_TEST_ENV": "of the node", "KEIRO_TEST_READ": target}
	file.Nodes[1].Binds = []string{source + ":" + target + ":ro", source + ":/no/such/target"}
	file.Nodes[1].Exec = []string{`sh -c 'exec "$0" one "two  three" >` + out + `' ` + os.Args[0]}
	l := up(t, file)
	check := func(what string, data []byte, args ...string) {
		t.Helper()
		var show struct {
			Env, Dir string
			Args     []string
		}
		if err := json.Unmarshal(data, &show); err != nil {
			t.Fatalf("%s: %v in %q", what, err, data)
		}
		if show.Env != "of the node" || show.Dir != "bound" || strings.Join(show.Args, "|") != strings.Join(args, "|") {
			t.Errorf("%s saw %+v", what, show)
		}
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	check("exec", data, "one", "two  three")
	var buf bytes.Buffer
	cmd := exec.Command(os.Args[0], "x")
	cmd.Stdout = &buf
	if err := l.Run(t.Context(), "b", cmd); err != nil {
		t.Fatal(err)
	}
	check("run", buf.Bytes(), "x")
	if text, err := os.ReadFile(target); err != nil || string(text) != "hidden" {
		t.Errorf("outside of the node the target of the bind reads %q, %v", text, err)
	}
	status, err := l.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(status.Notes, "\n")
	if !strings.Contains(notes, "/no/such/target") || !strings.Contains(notes, "delay of 1 links is not emulated") || status.DelayEmulated {
		t.Errorf("notes: %s", notes)
	}
}

func TestProgramsRunInTheirNode(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	var addrs []string
	err := l.In("b", func() error {
		conn, err := net.Dial("udp", "192.168.0.1:9")
		if err != nil {
			return err
		}
		defer conn.Close()
		addrs = append(addrs, conn.LocalAddr().(*net.UDPAddr).IP.String())
		return nil
	})
	if err != nil || len(addrs) != 1 || addrs[0] != "192.168.0.2" {
		t.Errorf("a socket of b: %v, %v; want 192.168.0.2", addrs, err)
	}
	if err := l.In("nobody", func() error { return nil }); err == nil {
		t.Error("in a node that is not there: no error")
	}
	cmd := exec.Command("/no/such/program")
	if err := l.Start(t.Context(), "b", cmd); err == nil || !strings.Contains(err.Error(), "node b") {
		t.Errorf("start of a program that is not there: %v", err)
	}
}

// The times are for the reader; the target of under 5 s is no test's business.
func TestTwelveNodes(t *testing.T) {
	needRoot(t)
	start := time.Now()
	l := up(t, japan(uniqueName()))
	took := time.Since(start)
	eventually(t, "all 17 links are up", func() bool { return strings.Count(carriers(t, l), "up") == 17 })
	start = time.Now()
	if err := l.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("12 nodes, 17 links: up in %v, down in %v", took, time.Since(start))
}
