package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Handles and priorities of what hangs on a wire end. They are fixed, so that
// setting and clearing leaves no trace.
const (
	rateHandle     = 1 << 16    // "1:"
	root           = 0xffffffff // TC_H_ROOT
	clsact         = 0xfffffff1 // TC_H_CLSACT
	ingress        = 0xfffffff2 // TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
	lossPref       = 1
	redirectPref   = 2
	group          = 1 // of every wire end: one request removes all
	mirredRedirect = 1 // TCA_EGRESS_REDIR
	actStolen      = 4 // TC_ACT_STOLEN
)

func newRequest(command, flags int, what string, args ...any) request {
	return request{NetlinkRequest: nl.NewNetlinkRequest(command, flags), what: fmt.Sprintf(what, args...)}
}

func (r request) attr(kind int, data []byte) *nl.RtAttr {
	a := nl.NewRtAttr(kind, data)
	r.AddData(a)
	return a
}

// port is one interface as it is to be made.
type port struct {
	index int
	name  string
	mtu   int
	mac   net.HardwareAddr // nil: the kernel chooses
}

func (p port) attrs() []*nl.RtAttr {
	attrs := []*nl.RtAttr{
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(p.name)),
		nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(p.mtu))),
	}
	if p.mac != nil {
		attrs = append(attrs, nl.NewRtAttr(unix.IFLA_ADDRESS, p.mac))
	}
	return attrs
}

// newVeth makes a veth pair, the inner end straight in the namespace ns.
func newVeth(outer, inner port, ns int) request {
	r := newRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, "plug in %s", inner.name)
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(outer.index)
	r.AddData(info)
	for _, a := range outer.attrs() {
		r.AddData(a)
	}
	r.attr(unix.IFLA_GROUP, nl.Uint32Attr(group))
	link := r.attr(unix.IFLA_LINKINFO, nil)
	link.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("veth"))
	peer := link.AddRtAttr(nl.IFLA_INFO_DATA, nil).AddRtAttr(nl.VETH_INFO_PEER, nil)
	peerInfo := nl.NewIfInfomsgChild(peer, unix.AF_UNSPEC)
	peerInfo.Index = int32(inner.index)
	for _, a := range inner.attrs() {
		peer.AddChild(a)
	}
	peer.AddRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(ns)))
	return r
}

// setUp sets an interface administratively up or down.
func setUp(index int, up bool, what string) request {
	r := newRequest(unix.RTM_NEWLINK, 0, "set %s up=%t", what, up)
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(index)
	info.Change = unix.IFF_UP
	if up {
		info.Flags = unix.IFF_UP
	}
	r.AddData(info)
	return r
}

func delGroup() request {
	r := newRequest(unix.RTM_DELLINK, 0, "remove the wire ends")
	r.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	r.attr(unix.IFLA_GROUP, nl.Uint32Attr(group))
	r.absent = unix.ENODEV
	return r
}

// newAddr puts an address on an interface, without duplicate address
// detection (RFC 4862 section 5.4): on a cable with two ends nobody else can
// have it, and no start has to wait a second.
func newAddr(index int, p netip.Prefix, what string) request {
	r := newRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, "put %s on %s", p, what)
	msg := nl.NewIfAddrmsg(unix.AF_INET)
	if p.Addr().Is6() {
		msg = nl.NewIfAddrmsg(unix.AF_INET6)
		msg.Flags = unix.IFA_F_NODAD
	}
	msg.Index = uint32(index)
	msg.Prefixlen = uint8(p.Bits())
	r.AddData(msg)
	r.attr(unix.IFA_LOCAL, p.Addr().AsSlice())
	r.attr(unix.IFA_ADDRESS, p.Addr().AsSlice())
	return r
}

func tc(command, flags, index int, handle, parent, info uint32, what string, args ...any) request {
	r := newRequest(command, flags, what, args...)
	r.AddData(&nl.TcMsg{Family: unix.AF_UNSPEC, Ifindex: int32(index), Handle: handle, Parent: parent, Info: info})
	return r
}

func newClsact(index int) request {
	r := tc(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL, index, clsact&0xffff0000, clsact, 0, "add clsact")
	r.attr(nl.TCA_KIND, nl.ZeroTerminated("clsact"))
	return r
}

// newRedirect sends all that comes in at one wire end out of the other.
func newRedirect(from, to int) request {
	r := filter(unix.RTM_NEWTFILTER, from, 0, redirectPref, "u32", "join the wire ends")
	options := r.attr(nl.TCA_OPTIONS, nil)
	all := nl.TcU32Sel{Flags: nl.TC_U32_TERMINAL, Nkeys: 1, Keys: make([]nl.TcU32Key, 1)}
	options.AddRtAttr(nl.TCA_U32_SEL, all.Serialize())
	action := options.AddRtAttr(nl.TCA_U32_ACT, nil).AddRtAttr(nl.TCA_ACT_TAB, nil)
	action.AddRtAttr(nl.TCA_ACT_KIND, nl.ZeroTerminated("mirred"))
	mirred := nl.TcMirred{TcGen: nl.TcGen{Action: actStolen}, Eaction: mirredRedirect, Ifindex: uint32(to)}
	action.AddRtAttr(nl.TCA_ACT_OPTIONS, nil).AddRtAttr(nl.TCA_MIRRED_PARMS, mirred.Serialize())
	return r
}

// newLoss drops packets at random where they come in. The program is classic
// BPF, which an ordinary user may load in a user namespace; eBPF is not.
func newLoss(index int, ppm int64) request {
	const drop, next = 2, math.MaxUint32 // TC_ACT_SHOT, TC_ACT_UNSPEC
	const random = 0xfffff000 + 56       // SKF_AD_OFF + SKF_AD_RANDOM
	below := uint32(uint64(min(ppm, 1e6-1)) << 32 / 1e6)
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: random},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: below, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: drop},
		{Code: unix.BPF_RET | unix.BPF_K, K: next},
	}
	if ppm >= 1e6 {
		program = program[2:3]
	}
	var ops []byte
	for _, op := range program {
		ops = binary.NativeEndian.AppendUint16(ops, op.Code)
		ops = append(ops, op.Jt, op.Jf)
		ops = binary.NativeEndian.AppendUint32(ops, op.K)
	}
	r := filter(unix.RTM_NEWTFILTER, index, 1, lossPref, "bpf", "lose packets")
	options := r.attr(nl.TCA_OPTIONS, nil)
	options.AddRtAttr(nl.TCA_BPF_OPS_LEN, nl.Uint16Attr(uint16(len(program))))
	options.AddRtAttr(nl.TCA_BPF_OPS, ops)
	options.AddRtAttr(nl.TCA_BPF_FLAGS, nl.Uint32Attr(nl.TCA_BPF_FLAG_ACT_DIRECT))
	return r
}

func delLoss(index int) request {
	r := filter(unix.RTM_DELTFILTER, index, 0, lossPref, "bpf", "lose no packets")
	r.absent = unix.ENOENT
	return r
}

func filter(command, index int, handle uint32, pref uint32, kind, what string) request {
	everything := uint32(binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL}))
	flags := unix.NLM_F_CREATE
	if command == unix.RTM_DELTFILTER {
		flags = 0
	}
	r := tc(command, flags, index, handle, ingress, pref<<16|everything, "%s", what)
	r.attr(nl.TCA_KIND, nl.ZeroTerminated(kind))
	return r
}

// newRate shapes what leaves a wire end towards its node to rate bits per
// second, with a token bucket.
func newRate(index int, bps int64, mtu int) request {
	const frame = 14 // Ethernet header
	bytes := uint64(bps+7) / 8
	// A packet larger than the bucket is dropped, a GSO burst larger than it
	// is cut into packets first. One millisecond of the rate rides out the
	// machine's scheduling; the queue is 50 ms, as in an ordinary router.
	burst := clamp(bytes/1000, 2*uint64(mtu+frame))
	limit := clamp(bytes/20, 2*uint64(burst))
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	parms := nl.TcTbfQopt{Limit: limit}
	parms.Rate.Rate = uint32(min(bytes, math.MaxUint32))
	parms.Rate.Linklayer = 1 // TC_LINKLAYER_ETHERNET
	options.AddRtAttr(nl.TCA_TBF_PARMS, parms.Serialize())
	options.AddRtAttr(nl.TCA_TBF_BURST, nl.Uint32Attr(burst))
	if bytes > math.MaxUint32 {
		options.AddRtAttr(nl.TCA_TBF_RATE64, nl.Uint64Attr(bytes))
	}
	r := tc(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, index, rateHandle, root, 0, "limit the rate to %d bit/s", bps)
	r.attr(nl.TCA_KIND, nl.ZeroTerminated("tbf"))
	r.AddData(options)
	return r
}

func delRate(index int) request {
	r := tc(unix.RTM_DELQDISC, 0, index, 0, root, 0, "lift the rate limit")
	r.absent = unix.ENOENT
	return r
}

func clamp(v, least uint64) uint32 { return uint32(min(max(v, least), math.MaxUint32)) }
