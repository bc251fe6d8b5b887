package rtnl

import (
	"bytes"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Link is an interface.
type Link struct {
	Name    string
	Index   uint32
	Up      bool // administratively
	Carrier bool
	MTU     int
	Gone    bool // in events: it was deleted or moved away
}

const skipStats = 8 // RTEXT_FILTER_SKIP_STATS

func decodeLink(msg []byte) (Link, error) {
	var l Link
	if len(msg) < unix.SizeofIfInfomsg {
		return l, errMalformed
	}
	var flags uint32
	if err := get(&l.Index, msg[4:8]); err != nil {
		return l, err
	}
	if err := get(&flags, msg[8:12]); err != nil {
		return l, err
	}
	l.Up = flags&unix.IFF_UP != 0
	l.Carrier = flags&unix.IFF_LOWER_UP != 0
	err := attrs(msg[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) error {
		switch typ {
		case unix.IFLA_IFNAME:
			name, _, _ := bytes.Cut(v, []byte{0})
			l.Name = string(name)
		case unix.IFLA_MTU:
			var mtu uint32
			err := get(&mtu, v)
			l.MTU = int(mtu)
			return err
		case unix.IFLA_CARRIER:
			var carrier uint8
			err := get(&carrier, v)
			l.Carrier = carrier != 0
			return err
		}
		return nil
	})
	return l, err
}

func (h *Handle) applyUp(verb nodecfg.Verb, l nodecfg.LinkUp) error {
	index, err := h.index(l.Dev)
	if err != nil {
		return err
	}
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index, msg.Change = int32(index), unix.IFF_UP
	if verb != nodecfg.Delete {
		msg.Flags = unix.IFF_UP
	}
	return h.change(unix.RTM_NEWLINK, 0, msg)
}

// Links lists the interfaces by name.
func (h *Handle) Links() (map[string]Link, error) {
	links := make(map[string]Link)
	err := h.dump(unix.RTM_GETLINK, unix.RTM_NEWLINK, func() { clear(links) }, func(msg []byte) error {
		l, err := decodeLink(msg)
		links[l.Name] = l
		return err
	}, nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_EXT_MASK, u32(skipStats)))
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return links, nil
}
