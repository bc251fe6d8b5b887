package rtnl

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Of linux/seg6_genl.h.
const (
	genericVersion = 1
	seg6Family     = "SEG6"
	seg6SetTunSrc  = 3
	seg6GetTunSrc  = 4
	seg6Dst        = 1
)

// seg6 sends a request to the generic netlink family SEG6.
func (h *Handle) seg6(command uint8, flags int, visit func([]byte) error, parts ...nl.NetlinkRequestData) error {
	return h.generic(seg6Family, "CONFIG_IPV6_SEG6_LWTUNNEL", command, flags, visit, parts...)
}

// generic sends a request to a generic netlink family, of which all that Keiro
// speaks to have version 1. The option of the kernel is what gives it one.
func (h *Handle) generic(family, option string, command uint8, flags int, visit func([]byte) error, parts ...nl.NetlinkRequestData) error {
	var id uint16
	err := h.execute(unix.NETLINK_GENERIC, nl.GENL_ID_CTRL, 0, 0, func(msg []byte) error {
		return attrs(msg[min(nl.SizeofGenlmsg, len(msg)):], func(typ uint16, v []byte) error {
			if typ == nl.GENL_CTRL_ATTR_FAMILY_ID {
				return get(&id, v)
			}
			return nil
		})
	}, &nl.Genlmsg{Command: nl.GENL_CTRL_CMD_GETFAMILY, Version: nl.GENL_CTRL_VERSION},
		nl.NewRtAttr(nl.GENL_CTRL_ATTR_FAMILY_NAME, nl.ZeroTerminated(family)))
	if err != nil {
		return fmt.Errorf("netlink family %s (a kernel with %s has it): %w", family, option, err)
	}
	return h.execute(unix.NETLINK_GENERIC, id, flags, 0, visit,
		append([]nl.NetlinkRequestData{&nl.Genlmsg{Command: command, Version: genericVersion}}, parts...)...)
}

// tunSrc returns the source of encapsulation, :: where none is set.
func (h *Handle) tunSrc() (netip.Addr, error) {
	var src netip.Addr
	err := h.seg6(seg6GetTunSrc, 0, func(msg []byte) error {
		return attrs(msg[min(nl.SizeofGenlmsg, len(msg)):], func(typ uint16, v []byte) error {
			if typ == seg6Dst {
				return getAddr(&src, v)
			}
			return nil
		})
	})
	if err != nil {
		return src, fmt.Errorf("read source of encapsulation: %w", err)
	}
	return src, nil
}

func (h *Handle) applyTunSrc(verb nodecfg.Verb, t nodecfg.TunSrc) error {
	src := t.Addr
	if verb == nodecfg.Delete {
		src = netip.IPv6Unspecified()
	}
	return h.seg6(seg6SetTunSrc, unix.NLM_F_ACK, nil, nl.NewRtAttr(seg6Dst, src.AsSlice()))
}

const procSys = "/proc/sys/"

// sysctls returns those of the named parameters that there are.
func (h *Handle) sysctls(names []string) ([]nodecfg.Sysctl, error) {
	var found []nodecfg.Sysctl
	err := h.within(func() error {
		for _, name := range names {
			b, err := os.ReadFile(procSys + name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			found = append(found, nodecfg.Sysctl{Name: name, Value: strings.TrimSpace(string(b))})
		}
		return nil
	})
	return found, err
}

func (h *Handle) applySysctl(s nodecfg.Sysctl) error {
	return h.within(func() error {
		f, err := os.OpenFile(procSys+s.Name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(s.Value)
		return errors.Join(err, f.Close())
	})
}
