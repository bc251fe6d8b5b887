package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Of linux/ioam6_genl.h.
const (
	ioamFamily       = "IOAM6"
	ioamAddNamespace = 1
	ioamDelNamespace = 2
	ioamDumpNames    = 3
	ioamNSID         = 1
	ioamNSData       = 2
)

// ioam sends a request to the generic netlink family IOAM6, with which only
// root of the machine may speak, in whatever network namespace.
func (h *Handle) ioam(command uint8, flags int, visit func([]byte) error, parts ...nl.NetlinkRequestData) error {
	return h.generic(ioamFamily, "IPv6, since 5.15,", command, flags, visit, parts...)
}

// oamNamespaces lists those that bear Keiro's mark. The error says why there
// can be none; whatever it is, packets do without.
func (h *Handle) oamNamespaces() ([]nodecfg.OAMNamespace, error) {
	var found []nodecfg.OAMNamespace
	var err error
	for range dumpTries {
		found = nil
		err = h.ioam(ioamDumpNames, unix.NLM_F_DUMP, func(msg []byte) error {
			n, ours, err := parseOAM(msg)
			if ours {
				found = append(found, n)
			}
			return err
		})
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list namespaces of in-band OAM: %w", err)
	}
	return found, nil
}

// parseOAM reads a namespace, and whether it bears Keiro's mark.
func parseOAM(msg []byte) (n nodecfg.OAMNamespace, ours bool, err error) {
	var data uint32
	err = attrs(msg[min(nl.SizeofGenlmsg, len(msg)):], func(typ uint16, v []byte) error {
		switch typ {
		case ioamNSID:
			return get(&n.ID, v)
		case ioamNSData:
			return get(&data, v)
		}
		return nil
	})
	return n, data == nodecfg.RouteProtocol, err
}

func (h *Handle) applyOAM(verb nodecfg.Verb, n nodecfg.OAMNamespace) error {
	id := nl.NewRtAttr(ioamNSID, binary.NativeEndian.AppendUint16(nil, n.ID))
	if verb == nodecfg.Delete {
		return h.ioam(ioamDelNamespace, unix.NLM_F_ACK, nil, id)
	}
	err := h.ioam(ioamAddNamespace, unix.NLM_F_ACK, nil, id, nl.NewRtAttr(ioamNSData, u32(nodecfg.RouteProtocol)))
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	ours, listed := h.oamNamespaces()
	if listed != nil || slices.Contains(ours, n) {
		return listed
	}
	return fmt.Errorf("somebody else has it, with other data: %w", err)
}
