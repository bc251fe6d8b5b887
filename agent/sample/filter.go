package sample

import (
	"encoding/binary"
	"math"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
)

// The filter runs in the kernel for each packet of a link (classic BPF, which
// needs no right but that to the socket). It lets through one in so many of
// those that can be of interest: plain packets from a network of an intent, and
// packets that carry others.

// snap is how many bytes of a packet are looked at: outer header, a segment
// list of 30 SIDs, inner headers.
const snap = 640

// maxNetworks bounds the networks of each family that plain packets are
// compared with in the kernel. With more all plain packets are of interest.
const maxNetworks = 100

// Where classic BPF finds what is not in the packet (linux/filter.h).
const (
	adOff      = math.MaxUint32 - 0x1000 + 1
	adProtocol = adOff + 0
	adRandom   = adOff + 56
)

// program is classic BPF under construction. Jumps are to labels.
type program struct {
	code   []unix.SockFilter
	jumps  map[int]string // of the `ja` at an index
	labels map[string]int
}

func (p *program) add(code uint16, k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: code, K: k})
}
func (p *program) label(name string) { p.labels[name] = len(p.code) }

// jump goes to a label in any case, which may be far.
func (p *program) jump(label string) {
	p.jumps[len(p.code)] = label
	p.add(unix.BPF_JMP|unix.BPF_JA, 0)
}

// equal goes to a label if what was loaded is k.
func (p *program) equal(k uint32, label string) {
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: k})
	p.jump(label)
}

func (p *program) load(size uint16, at uint32) { p.add(unix.BPF_LD|size|unix.BPF_ABS, at) }
func (p *program) and(mask uint32)             { p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, mask) }

// one lets one packet in so many through, a power of 2.
func (p *program) one(in uint32) {
	p.load(unix.BPF_W, adRandom)
	p.and(in - 1)
	p.equal(0, "take")
	p.add(unix.BPF_RET|unix.BPF_K, 0)
}

func (p *program) finish() []unix.SockFilter {
	for at, label := range p.jumps {
		p.code[at].K = uint32(p.labels[label] - at - 1)
	}
	return p.code
}

// filter samples one plain packet in so many, and one in so many of those that
// carry another. Packets begin with their IP header.
func filter(all []nodecfg.Protected, plain, carrying uint32) []unix.SockFilter {
	v4, v6 := networks(all)
	p := &program{jumps: map[int]string{}, labels: map[string]int{}}
	p.load(unix.BPF_H, adProtocol)
	p.equal(unix.ETH_P_IPV6, "IPv6")
	p.equal(unix.ETH_P_IP, "IPv4")
	p.jump("drop")

	p.label("IPv4")
	p.load(unix.BPF_B, 9)
	p.equal(headers.IPv4, "carries")
	p.equal(headers.IPv6, "carries")
	p.from(v4, 12)

	p.label("IPv6")
	p.load(unix.BPF_B, 24)
	p.equal(0xff, "drop") // to a group
	p.load(unix.BPF_H, 8)
	p.and(0xffc0)
	p.equal(0xfe80, "drop") // of the link
	p.load(unix.BPF_B, 6)
	for _, next := range []uint32{headers.IPv6, headers.Routing, headers.IPv4, headers.HopByHop, headers.DestOpts} {
		p.equal(next, "carries")
	}
	// A lane's outer packets are plain, were they to be seen as they are.
	p.load(unix.BPF_H, 8)
	p.equal(0x5f00, "plain")
	p.from(v6, 8)

	p.label("carries")
	p.one(carrying)
	p.label("plain")
	p.one(plain)
	p.label("take")
	p.add(unix.BPF_RET|unix.BPF_K, snap)
	p.label("drop")
	p.add(unix.BPF_RET|unix.BPF_K, 0)
	return p.finish()
}

// from goes on to "plain" where the source, at an offset, is in a network, by
// its first 64 bits, and to "drop" elsewhere.
func (p *program) from(networks []netip.Prefix, at uint32) {
	if len(networks) > maxNetworks {
		p.jump("plain")
		return
	}
	for i, n := range networks {
		next := string(rune('0'+at)) + string(rune(i)) // no other label is so called
		b := n.Addr().AsSlice()
		for word := uint32(0); word < 8 && int(word) < len(b); word += 4 {
			mask := uint32(math.MaxUint32)
			if left := n.Bits() - int(word)*8; left <= 0 {
				break
			} else if left < 32 {
				mask <<= 32 - left
			}
			p.load(unix.BPF_W, at+word)
			p.and(mask)
			p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: binary.BigEndian.Uint32(b[word:]) & mask})
			p.jump(next)
		}
		p.jump("plain")
		p.label(next)
	}
	p.jump("drop")
}

// networks are the sources of the traffic that is looked for, by family.
func networks(all []nodecfg.Protected) (v4, v6 []netip.Prefix) {
	known := map[netip.Prefix]bool{}
	for _, p := range all {
		for _, t := range p.Traffic {
			switch {
			case known[t.From]:
			case t.From.Addr().Is4():
				v4 = append(v4, t.From)
			default:
				v6 = append(v6, t.From)
			}
			known[t.From] = true
		}
	}
	return v4, v6
}
