package live

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
	"github.com/keiro-net/keiro/topology"
)

// directions are the halves of a link from a to b and back, of the adjacencies
// that let paths use it, or of all if none does.
func directions(l *Link) (ab, ba []*lsdb.Half) {
	if l.Learned == nil {
		usable := slices.ContainsFunc(l.Halves, func(h *lsdb.HalfKnown) bool { return h.Unusable == "" })
		for _, h := range l.Halves {
			if !usable || h.Unusable == "" {
				ab = append(ab, h.Half)
			}
		}
		if l.Reversed {
			return nil, ab
		}
		return ab, nil
	}
	any := l.Learned.Unusable() != ""
	for _, adj := range l.Learned.Adjacencies {
		if any || adj.Unusable == "" {
			ab, ba = append(ab, adj.AB), append(ba, adj.BA)
		}
	}
	if l.Reversed {
		return ba, ab
	}
	return ab, ba
}

// worst is the worst value that halves have of some fields.
func worst[T any](halves []*lsdb.Half, worse func(a, b T) bool, read ...func(said.Words) said.Value[T]) (out said.Value[T]) {
	for _, h := range halves {
		for _, of := range read {
			if v := of(h.Words); v.Known && (!out.Known || worse(v.Value, out.Value)) {
				out = v
			}
		}
	}
	return out
}

// reader reads one field.
func reader[T any](f *said.Field[*ls.LinkAttribute, T]) func(said.Words) said.Value[T] {
	return func(ws said.Words) said.Value[T] { return said.Read(ws, f) }
}

// as is a value of another type, with what peers say else.
func as[T, U any](v said.Value[T], convert func(T) U) said.Value[U] {
	out := said.Value[U]{Known: v.Known, By: v.By, Since: v.Since, Stale: v.Stale}
	if v.Known {
		out.Value = convert(v.Value)
	}
	for _, o := range v.Others {
		out.Others = append(out.Others, said.Other[U]{Peer: o.Peer, Value: convert(o.Value), Since: o.Since})
	}
	return out
}

func metric(halves []*lsdb.Half) said.Value[int64] {
	return worst(halves, func(a, b int64) bool { return a > b }, func(ws said.Words) said.Value[int64] {
		if te := said.Read(ws, said.TEMetric); te.Known {
			return as(te, func(m uint32) int64 { return max(1, int64(m)) })
		}
		return as(said.Read(ws, said.IGPMetric), func(m ls.IGPMetric) int64 { return max(1, int64(m.Metric)) })
	})
}

func capacity(halves []*lsdb.Half) said.Value[topology.Bandwidth] {
	least := worst(halves, func(a, b ls.BitsPerSecond) bool { return a < b },
		reader(said.MaxBandwidth), reader(said.ReservableBandwidth), reader(said.ResidualBandwidth))
	return as(least, func(r ls.BitsPerSecond) topology.Bandwidth {
		return topology.Bandwidth(min(r, ls.BitsPerSecond(topology.MaxBandwidth)))
	})
}

func delay(halves []*lsdb.Half) said.Value[ls.Microseconds] {
	return worst(halves, func(a, b ls.Microseconds) bool { return a > b },
		func(ws said.Words) said.Value[ls.Microseconds] {
			return as(said.Read(ws, said.MinMaxDelay), func(d ls.MinMaxDelay) ls.Microseconds { return d.Max })
		},
		func(ws said.Words) said.Value[ls.Microseconds] {
			return as(said.Read(ws, said.Delay), func(d ls.Delay) ls.Microseconds { return d.Delay })
		})
}

// attribute tells where a value comes from.
func attribute[T any](name, value, byFile string, learned bool, v said.Value[T], text func(T) string) Attribute {
	a := Attribute{Name: name, Value: value, ByFile: byFile, Learned: learned, Peers: v.By, Since: v.Since, Stale: v.Stale}
	if v.Known {
		a.ByPeers = text(v.Value)
	}
	for _, o := range v.Others {
		a.Others = append(a.Others, fmt.Sprintf("%s says %s", o.Peer, text(o.Value)))
	}
	return a
}

// joinLink gives an entry and its directions what was learned of them.
func (j *joiner) joinLink(out *Link, entry *topology.Entry, ab, ba *topology.Link) {
	there, back := directions(out)
	j.joinDirection(out, "", there, ab)
	j.joinDirection(out, "ba.", back, ba)
	j.joinSRLGs(out, there, back, entry)
}

func (j *joiner) joinDirection(out *Link, prefix string, halves []*lsdb.Half, l *topology.Link) {
	m := metric(halves)
	declared := l.Metric
	l.Metric = max(l.Metric, m.Value)
	if j.report {
		decimal := func(v int64) string { return strconv.FormatInt(v, 10) }
		note(out, attribute(prefix+"metric", decimal(l.Metric), decimal(declared), m.Value > declared, m, decimal))
	}
	j.joinCapacity(out, prefix, capacity(halves), l)
	j.joinDelay(out, prefix, delay(halves), l)
}

func (j *joiner) joinCapacity(out *Link, prefix string, c said.Value[topology.Bandwidth], l *topology.Link) {
	declared, stated := l.Capacity.Get()
	below := stated && c.Known && c.Value < declared && !ls.BitsPerSecond(c.Value).Agrees(ls.BitsPerSecond(declared))
	learned := c.Known && (!stated || below)
	if below && l.Capacity.Source() == topology.Declared {
		out.tell(CapacityBelowDeclared, "%scapacity: %v is declared, %v learned", prefix, declared, c.Value)
	}
	was := l.Capacity
	if learned {
		l.Capacity = topology.Measure(c.Value, c.Since)
	}
	if j.report {
		note(out, attribute(prefix+"capacity", shown(l.Capacity), shown(was), learned, c, topology.Bandwidth.String))
	}
}

func (j *joiner) joinDelay(out *Link, prefix string, d said.Value[ls.Microseconds], l *topology.Link) {
	declared, stated := l.Delay.Get()
	above := stated && d.Known && topology.Delay(d.Value) > declared
	learned := d.Known && (!stated || above)
	text := func(v ls.Microseconds) string {
		if !v.Exact() {
			return topology.Delay(v).String() + " or more"
		}
		return topology.Delay(v).String()
	}
	if above && l.Delay.Source() == topology.Declared {
		out.tell(DelayAboveDeclared, "%sdelay: %v is declared, %s learned", prefix, declared, text(d.Value))
	}
	was := l.Delay
	switch {
	case learned && !d.Value.Exact():
		l.Delay = topology.Attr[topology.Delay]{} // a lower bound is no delay
	case learned:
		l.Delay = topology.Measure(topology.Delay(d.Value), d.Since)
	}
	if j.report {
		note(out, attribute(prefix+"delay", shown(l.Delay), shown(was), learned, d, text))
	}
}

// note adds an attribute of which anybody says something.
func note(out *Link, a Attribute) {
	if a.ByFile != "" || a.ByPeers != "" {
		out.attributes = append(out.attributes, a)
	}
}

func shown[T fmt.Stringer](a topology.Attr[T]) string {
	if v, known := a.Get(); known {
		return v.String()
	}
	return ""
}

// joinSRLGs unites the groups of both directions with the declared ones.
func (j *joiner) joinSRLGs(out *Link, there, back []*lsdb.Half, entry *topology.Entry) {
	var learned said.Value[[]string] // the times are those of the newest
	both := len(there) > 0
	for _, direction := range [][]*lsdb.Half{there, back} {
		known := false
		for _, h := range direction {
			v := said.Read(h.Words, said.SRLGs)
			if !v.Known {
				continue
			}
			known = true
			if groups := as(v, j.srlgs); learned.Known {
				groups.Value = append(learned.Value, groups.Value...)
				groups.Stale = groups.Stale || learned.Stale
				if groups.Since.Before(learned.Since) {
					groups.Since = learned.Since
				}
				for _, peer := range learned.By {
					if !slices.Contains(groups.By, peer) {
						groups.By = append(slices.Clone(groups.By), peer)
					}
				}
				slices.Sort(groups.By)
				learned = groups
			} else {
				learned = groups
			}
		}
		both = both && known
	}
	slices.Sort(learned.Value)
	learned.Value = slices.Compact(learned.Value)
	declared, stated := entry.SRLGs.Get()
	var more []string
	for _, g := range learned.Value {
		if !slices.Contains(declared, g) {
			more = append(more, g)
		}
	}
	counts := true
	switch {
	case stated && len(more) > 0:
		out.tell(SRLGNotDeclared, "in %s as well, says the IGP: %s declared", join(more), list(declared))
		entry.SRLGs = topology.Measure(slices.Concat(declared, more), learned.Since)
	case !stated && learned.Known && both:
		entry.SRLGs = topology.Measure(learned.Value, learned.Since)
	default:
		counts = false
	}
	if j.report {
		value, byFile := "", ""
		if groups, known := entry.SRLGs.Get(); known {
			value = list(groups)
		}
		if stated {
			byFile = list(declared)
		}
		note(out, attribute("srlgs", value, byFile, counts, learned, list))
	}
}

func list(names []string) string { return "[" + join(names) + "]" }

// srlgs are the names of numbers.
func (j *joiner) srlgs(numbers []uint32) (out []string) {
	for _, n := range numbers {
		name, given := j.names[n]
		if !given {
			name = SRLGName(n)
		}
		out = append(out, name)
	}
	return out
}

// SRLGName is that of a number that the file gives no name.
func SRLGName(n uint32) string { return fmt.Sprintf("srlg-%d", n) }
