package rtnl

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Seen is what Observe found.
type Seen struct {
	State nodecfg.State   // what is Keiro's, by mark, and the sysctls asked for
	NoOAM error           // why in-band OAM is not for this process; nil: it is
	Links map[string]Link // all interfaces, by name
}

// Observe lists what is there, and the values of the sysctls and the interfaces
// set up that want names.
func (h *Handle) Observe(want nodecfg.State) (Seen, error) {
	s := make(nodecfg.State, len(want))
	links, err := h.Links()
	if err != nil {
		return Seen{}, err
	}
	names := make(map[uint32]string, len(links))
	for name, l := range links {
		names[l.Index] = name
	}
	dev := func(index uint32) string {
		if name, ok := names[index]; ok || index == 0 {
			return name
		}
		return fmt.Sprintf("if%d", index) // came after the list; the next Observe knows it
	}
	addrs, err := h.addrs()
	if err != nil {
		return Seen{}, err
	}
	for _, a := range owned(addrs) {
		s.Add(nodecfg.Addr{Addr: a.prefix, Dev: dev(a.index)})
	}
	for _, family := range []uint8{unix.AF_INET6, unix.AF_INET} {
		routes, err := h.routes(family)
		if err != nil {
			return Seen{}, err
		}
		for _, r := range routes {
			s.Add(r.named(dev))
		}
		rules, err := h.rules(family)
		if err != nil {
			return Seen{}, err
		}
		for _, r := range rules {
			s.Add(r)
		}
	}
	src, err := h.tunSrc()
	if err != nil && !errors.Is(err, unix.EPERM) { // only root of the machine may know
		return Seen{}, err
	}
	if src.IsValid() && !src.IsUnspecified() {
		s.Add(nodecfg.TunSrc{Addr: src})
	}
	sysctls, err := h.sysctls(sysctlNames(want))
	if err != nil {
		return Seen{}, err
	}
	for _, o := range sysctls {
		s.Add(o)
	}
	for name, l := range links {
		if up := (nodecfg.LinkUp{Dev: name}); l.Up && want.Has(up) {
			s.Add(up)
		}
	}
	namespaces, noOAM := h.oamNamespaces()
	for _, n := range namespaces {
		s.Add(n)
	}
	return Seen{s, noOAM, links}, nil
}

// Silent reads again those objects of want whose change the kernel tells
// nobody: sysctls and the source of encapsulation. What is not there, or not
// for us to know, is not in the State.
func (h *Handle) Silent(want nodecfg.State) (nodecfg.State, error) {
	s := make(nodecfg.State)
	sysctls, err := h.sysctls(sysctlNames(want))
	if err != nil {
		return nil, err
	}
	for _, o := range sysctls {
		s.Add(o)
	}
	if src, err := h.tunSrc(); err == nil && src.IsValid() && !src.IsUnspecified() {
		s.Add(nodecfg.TunSrc{Addr: src})
	}
	return s, nil
}

func sysctlNames(s nodecfg.State) []string {
	var names []string
	for o := range maps.Keys(s) {
		if c, ok := o.(nodecfg.Sysctl); ok {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Apply does one operation. What is already as the operation would make it is
// no error. The error says the cause only, with the kernel's own words; the
// Op names itself.
func (h *Handle) Apply(op nodecfg.Op) error {
	err := h.apply(op)
	if err == nil || op.Verb == nodecfg.Delete && isGone(err) {
		return nil
	}
	return err
}

func (h *Handle) apply(op nodecfg.Op) error {
	switch o := op.Object.(type) {
	case nodecfg.Addr:
		return h.applyAddr(op.Verb, o)
	case nodecfg.Route:
		return h.applyRoute(op.Verb, o)
	case nodecfg.Rule:
		err := h.applyRule(op.Verb, o)
		if op.Verb != nodecfg.Delete && errors.Is(err, unix.EEXIST) {
			return nil
		}
		return err
	case nodecfg.LinkUp:
		return h.applyUp(op.Verb, o)
	case nodecfg.Sysctl:
		return h.applySysctl(o)
	case nodecfg.TunSrc:
		return h.applyTunSrc(op.Verb, o)
	case nodecfg.OAMNamespace:
		return h.applyOAM(op.Verb, o)
	}
	return fmt.Errorf("cannot apply objects of type %T", op.Object)
}

// isGone says whether the kernel has nothing to delete.
func isGone(err error) bool {
	for _, errno := range []error{unix.ESRCH, unix.ENOENT, unix.ENODEV, unix.EADDRNOTAVAIL} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
