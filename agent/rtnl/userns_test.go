package rtnl

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// In a user namespace, as in a lab without root, everything works but the
// source of encapsulation, and in-band OAM, which says so.
func TestUserNamespace(t *testing.T) {
	const inside = "KEIRO_TEST_USER_NAMESPACE"
	if os.Getenv(inside) == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestUserNamespace$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		return
	}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth1", Flags: 1}, PeerName: "far"}
	if err := netlink.LinkAdd(veth); err != nil {
		t.Fatal(err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []netlink.Link{lo, veth} {
		if err := netlink.LinkSetUp(l); err != nil {
			t.Fatal(err)
		}
	}
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := spread().Desired(nil)
	seen, err := h.Observe(want)
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(seen.NoOAM, unix.EPERM) {
		t.Errorf("in-band OAM: %v, want %v", seen.NoOAM, unix.EPERM)
	}
	want = nodecfg.WithoutOAM(want)
	for _, op := range nodecfg.Plan(observe(t, h, want), want) {
		err := h.Apply(op)
		if _, source := op.Object.(nodecfg.TunSrc); source {
			if !errors.Is(err, unix.EPERM) {
				t.Errorf("%s: %v, want %v", op, err, unix.EPERM)
			}
		} else if err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	left := nodecfg.Plan(observe(t, h, want), want)
	if len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
