package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// Verdict is one of three answers. The zero one is cannot tell.
type Verdict uint8

// The answers.
const (
	CannotTell Verdict = iota
	No
	Yes
)

func (v Verdict) String() string {
	return [...]string{"cannot tell", "no", "yes"}[min(v, 2)]
}

// What RFC 9256 sections 2.7 and 2.11 have for what is not sent.
const (
	defaultPreference = 100
	defaultWeight     = 1
)

// Held says whether the headend holds the candidate path as it was intended, and
// finds it valid: what its policy would forward by if no better path were there. For
// any other answer than yes it says why. Names are not compared: a headend may
// shorten them.
func Held(intended srpolicy.CandidatePath, s State) (Verdict, []string) {
	c := compare(intended, s)
	return c.verdict()
}

// Installed says whether the headend forwards by the candidate path as it was
// intended: it holds it, and it is the active one. For any other answer than yes it
// says why.
func Installed(intended srpolicy.CandidatePath, s State) (Verdict, []string) {
	c := compare(intended, s)
	if c.other {
		return c.verdict()
	}
	c.bindingSID(intended, s)
	if status, ok := s.Status.Get(); ok {
		switch {
		case status.Flags&Dropping != 0:
			c.differs("it drops the traffic of its policy, as no valid path is there (Drop-Upon-Invalid)")
		case status.Flags&Active == 0 && status.Flags&Backup != 0:
			c.differs("it is the backup, not the active path")
		case status.Flags&Active == 0:
			c.differs("it is not the active path of its policy")
		}
	}
	return c.verdict()
}

// comparison collects what stands against a yes.
type comparison struct {
	no, unknown []string
	other       bool // the state is of another path
}

func (c *comparison) differs(format string, args ...any) {
	c.no = append(c.no, fmt.Sprintf(format, args...))
}

func (c *comparison) cannotTell(format string, args ...any) {
	c.unknown = append(c.unknown, fmt.Sprintf(format, args...))
}

func (c *comparison) verdict() (Verdict, []string) {
	switch {
	case len(c.no) > 0:
		return No, c.no
	case len(c.unknown) > 0:
		return CannotTell, c.unknown
	}
	return Yes, nil
}

func compare(intended srpolicy.CandidatePath, s State) *comparison {
	c := &comparison{}
	if intended.NLRI != s.NLRI || s.ProtocolOrigin.Kind() != OriginBGP {
		c.other = true
		c.cannotTell("what is reported is another path: %v by %v", s.NLRI, s.ProtocolOrigin)
		return c
	}
	if s.Partial {
		c.cannotTell("a part of the report could not be read")
	}
	if len(intended.Unsupported()) > 0 {
		c.cannotTell("the path has sub-TLVs of unknown meaning")
	}
	c.status(intended, s)
	c.lists(intended, s)
	return c
}

func (c *comparison) status(intended srpolicy.CandidatePath, s State) {
	status, ok := s.Status.Get()
	if !ok {
		c.cannotTell("its state is not reported")
		return
	}
	if status.Flags&AdminShut != 0 {
		c.differs("it is shut at the headend")
	}
	switch {
	case status.Flags&Evaluated == 0:
		c.cannotTell("the headend has not evaluated it")
	case status.Flags&Valid == 0:
		c.differs("the headend finds no valid segment list")
	}
	if want := or(intended.Preference, defaultPreference); status.Preference != want {
		c.differs("its preference is %d, not %d", status.Preference, want)
	}
	if want, known := intended.Priority.Get(); known && status.Priority != want {
		c.differs("its priority is %d, not %d", status.Priority, want)
	}
}

// lists compares segment lists, whose order says nothing.
func (c *comparison) lists(intended srpolicy.CandidatePath, s State) {
	reported := slices.Clone(s.SegmentLists)
	var missing []string
	for _, want := range intended.SegmentLists {
		at := slices.IndexFunc(reported, func(l SegmentList) bool { return same(want, l) })
		if at < 0 {
			missing = append(missing, fmt.Sprintf("segment list %v with weight %d", sids(want), or(want.Weight, defaultWeight)))
			continue
		}
		c.list(want, reported[at])
		reported = slices.Delete(reported, at, at+1)
	}
	if len(missing) > 0 && (s.Partial || len(s.SegmentLists) == 0 || slices.ContainsFunc(reported, nameless)) {
		c.cannotTell("not reported: %s", strings.Join(missing, ", "))
		return
	}
	for _, m := range missing {
		c.differs("the headend has no %s", m)
	}
	for _, l := range reported {
		c.differs("the headend has a segment list %v with weight %d that was not intended", reportedSIDs(l), l.Weight)
	}
}

// list looks at what else is reported of a list with the right SIDs and weight.
func (c *comparison) list(want srpolicy.SegmentList, l SegmentList) {
	name := fmt.Sprint(sids(want))
	switch {
	case l.Flags&ListRemoved != 0:
		c.differs("segment list %s is out of the forwarding plane, because a monitor found it dead", name)
	case l.Flags&ListFailed != 0:
		c.differs("segment list %s could not be computed", name)
	case l.Flags&ListVerified == 0:
		c.differs("segment list %s failed its verification", name)
	case l.Flags&ListResolved == 0:
		c.differs("the first segment of segment list %s leads nowhere", name)
	}
	for i, segment := range want.Segments {
		got := l.Segments[i].Endpoint
		e, ok := segment.Endpoint.Get()
		if ok && got.Behavior.Known && got.Behavior.Value != e.Behavior {
			c.differs("segment %v has the behavior %d, not %d", segment.SID, got.Behavior.Value, e.Behavior)
		}
		if ok && got.Structure.Known && got.Structure.Value != e.Structure {
			c.differs("segment %v is divided by %v, not by %v", segment.SID, got.Structure.Value, e.Structure)
		}
	}
}

// bindingSID asks for the first SID that was specified. Only an active path has one
// (RFC 9256 section 6.2).
func (c *comparison) bindingSID(intended srpolicy.CandidatePath, s State) {
	want := netip.IPv6Unspecified()
	if b, ok := intended.BindingSID.Get(); ok {
		if b.Label.Known {
			c.cannotTell("its binding SID is a label")
		}
		if b.SID.IsValid() {
			want = b.SID
		}
	}
	if len(intended.SRv6BindingSIDs) > 0 {
		want = intended.SRv6BindingSIDs[0].SID
	}
	if want.IsUnspecified() {
		return
	}
	if len(s.BindingSIDs) == 0 {
		c.cannotTell("its binding SID is not reported")
		return
	}
	for _, b := range s.BindingSIDs {
		if b.Allocated && b.SID == want {
			return
		}
	}
	got := "none"
	if b := s.BindingSIDs[0]; b.Allocated {
		got = b.SID.String()
	}
	c.differs("its binding SID is %s, not %v", got, want)
}

func same(want srpolicy.SegmentList, l SegmentList) bool {
	return or(want.Weight, defaultWeight) == l.Weight && slices.Equal(sids(want), reportedSIDs(l))
}

// nameless: a list with a segment whose SID is not reported may be any.
func nameless(l SegmentList) bool {
	return slices.ContainsFunc(l.Segments, func(s Segment) bool { return !s.SID.IsValid() })
}

func sids(l srpolicy.SegmentList) (list []netip.Addr) {
	for _, s := range l.Segments {
		list = append(list, s.SID)
	}
	return list
}

func reportedSIDs(l SegmentList) (list []netip.Addr) {
	for _, s := range l.Segments {
		list = append(list, s.SID)
	}
	return list
}

func or[V any](o ls.Opt[V], otherwise V) V {
	if v, ok := o.Get(); ok {
		return v
	}
	return otherwise
}
