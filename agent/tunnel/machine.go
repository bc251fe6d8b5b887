package tunnel

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Machine makes the interfaces of lanes: the kernel's WireGuard where there is
// one, else helpers.
type Machine struct {
	// Helpers are started where the kernel has no WireGuard, or nobody knows.
	Helpers *lane.Helpers
	// Namespace is a descriptor of the network namespace that is meant; 0:
	// that of the process.
	Namespace int

	kernel bool
}

// Maker says what makes the interfaces of lanes.
type Maker string

// The Makers.
const (
	Auto   Maker = "auto"   // the kernel where it has WireGuard, else helpers
	Helper Maker = "helper" // helpers, though the kernel may have WireGuard
	Kernel Maker = "kernel" // the kernel; without its WireGuard every lane stays closed
)

// MarshalText implements encoding.TextMarshaler.
func (m Maker) MarshalText() ([]byte, error) { return []byte(m), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Maker) UnmarshalText(text []byte) error {
	switch got := Maker(text); got {
	case Auto, Helper, Kernel:
		*m = got
		return nil
	}
	return fmt.Errorf("%q: want %s, %s or %s", text, Auto, Helper, Kernel)
}

// NewMachine finds out what the kernel has, where that matters. The error says
// that it has not what is asked for, or that this cannot be told, and what
// follows; the Machine is good all the same.
func NewMachine(h *lane.Helpers, namespace int, by Maker) (*Machine, error) {
	m := &Machine{Helpers: h, Namespace: namespace, kernel: by == Kernel}
	if by == Helper {
		return m, nil
	}
	return m, m.within(func() error {
		has, err := lane.Kernel()
		switch {
		case by == Kernel && has == lane.No:
			return errors.New("the kernel has no WireGuard, and only that is to be used: every lane stays closed")
		case by == Kernel:
			return err // Open tries, and says what is wrong
		case has == lane.CannotTell:
			return fmt.Errorf("helpers make the lanes, for whether the kernel has WireGuard cannot be told: %w", err)
		}
		m.kernel = has == lane.Yes
		return err
	})
}

// Open makes an interface, or finds it, and sets it up.
func (m *Machine) Open(name string, mtu int) (dev lane.Device, err error) {
	err = m.within(func() error {
		if err := m.clear(name); err != nil {
			return err
		}
		if m.kernel {
			dev, err = lane.OpenKernel(name, mtu)
		} else {
			dev, err = m.Helpers.Open(name, mtu)
		}
		if err != nil {
			return err
		}
		if err := ready(name, mtu); err != nil {
			return errors.Join(fmt.Errorf("lane %s: %w", name, err), dev.Close())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// Find opens an interface as it is, and makes none; without one its error is
// lane.ErrLost.
func (m *Machine) Find(name string) (dev lane.Device, err error) {
	err = m.within(func() error {
		link, err := netlink.LinkByName(name)
		_, none := errors.AsType[netlink.LinkNotFoundError](err)
		switch {
		case none:
			err = lane.ErrLost
		case err != nil:
		case link.Type() == "wireguard":
			dev, err = lane.FindKernel(name)
			return err
		case link.Type() == helped:
			dev, err = m.Helpers.Find(name)
			return err
		default: // of somebody else, and no lane
			err = lane.ErrLost
		}
		return fmt.Errorf("lane %s: %w", name, err)
	})
	return dev, err
}

// clear takes away an interface that an agent with another Maker left.
func (m *Machine) clear(name string) error {
	link, err := netlink.LinkByName(name)
	if _, none := errors.AsType[netlink.LinkNotFoundError](err); none {
		return nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("lane %s: %w", name, err)
	case m.kernel && link.Type() == helped:
		return m.Helpers.Stop(name)
	case !m.kernel && link.Type() != helped:
		return lane.RemoveKernel(name)
	}
	return nil
}

// helped is the type of the interfaces that helpers make.
const helped = "tuntap"

// ready sets an interface up. Packets come by a lane that their answers would
// not go by, so that reverse path filtering would drop them.
func ready(name string, mtu int) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if link.Attrs().MTU != mtu {
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return fmt.Errorf("MTU %d: %w", mtu, err)
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/rp_filter", []byte("0"), 0); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// Keep removes the interfaces of lanes that are not wanted when it comes to
// them.
func (m *Machine) Keep(wanted func(name string) bool) error {
	return m.within(func() error {
		links, err := netlink.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			name := l.Attrs().Name
			if !strings.HasPrefix(name, nodecfg.LanePrefix) || wanted(name) {
				continue
			}
			switch l.Type() {
			case "wireguard":
				err = errors.Join(err, lane.RemoveKernel(name))
			case helped:
				err = errors.Join(err, m.Helpers.Stop(name))
			}
		}
		return err
	})
}

// Dropped counts the packets that the interfaces of lanes would not take.
func (m *Machine) Dropped() (map[string]uint64, error) {
	dropped := make(map[string]uint64)
	return dropped, m.within(func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			if a := l.Attrs(); strings.HasPrefix(a.Name, nodecfg.LanePrefix) && a.Statistics != nil {
				dropped[a.Name] = a.Statistics.TxDropped + a.Statistics.TxErrors + a.Statistics.RxDropped + a.Statistics.RxErrors
			}
		}
		return err
	})
}

// within calls f on a thread in the namespace.
func (m *Machine) within(f func() error) error {
	if m.Namespace == 0 {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := netns.Set(netns.NsHandle(m.Namespace)); err != nil {
			done <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}
