package lsdb

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/said"
)

// DB is the database. It is not for concurrent use; the Views it returns are.
type DB struct {
	peers     map[string]*peer
	objects   map[string]*object   // by their NLRI as it is encoded
	instances map[string]*instance // by the Node NLRI of their descriptor
	claims    map[claim][]*instance
	bundles   map[ends]*bundle
	dirty     map[*object]bool
	view      *View
}

// New returns an empty database.
func New() *DB {
	return &DB{
		peers: map[string]*peer{}, objects: map[string]*object{}, instances: map[string]*instance{},
		claims: map[claim][]*instance{}, bundles: map[ends]*bundle{}, dirty: map[*object]bool{}, view: &View{},
	}
}

// peer is a speaker, or one that is expected.
type peer struct {
	name     []string // one
	up       bool
	since    time.Time
	families map[ls.Family]bool // of this or the last session: whether all has been said, ever
	objects  int
	stale    int
}

// object is one NLRI.
type object struct {
	key   string
	nlri  ls.NLRI
	words said.Words
	home  home // of a link that is there
	there bool // as of the last View
	// Its local and its remote node, of the last View that had it.
	local, remote *instance
	half          *Half // of a link; nil: to be made anew
}

// Expect tells of a peer that is configured. Until it has said all, what is
// missing may come yet; a caller that gives it up calls EndOfRIB or Remove.
func (d *DB) Expect(name string) { d.peer(name) }

func (d *DB) peer(name string) *peer {
	p := d.peers[name]
	if p == nil {
		p = &peer{name: []string{name}}
		d.peers[name] = p
	}
	return p
}

// Up tells of a session, and the families that an End-of-RIB is to come for.
func (d *DB) Up(name string, at time.Time, families ...ls.Family) {
	p := d.peer(name)
	p.up, p.since = true, at
	before := p.families
	p.families = make(map[ls.Family]bool, len(families))
	for _, f := range families {
		p.families[rib(f)] = before[rib(f)]
	}
}

// rib is the family without what a session frames it with.
func rib(f ls.Family) ls.Family { return ls.Family{VPN: f.VPN} }

// Reach takes in what a peer says of an object; an attribute of nil, that it is
// there. An error: the NLRI is none that a peer can send.
func (d *DB) Reach(name string, n ls.NLRI, a ls.Attribute, at time.Time) error {
	o, err := d.object(n)
	if err != nil {
		return fmt.Errorf("BGP-LS object of peer %s: %w", name, err)
	}
	d.objects[o.key] = o
	w, changed := said.There(d.peer(name).name, a, at), true
	if before := o.words.Of(name); before != nil {
		w, changed = w.After(before)
	}
	d.set(o, o.words.With(w), changed)
	return nil
}

// Unreach takes in that a peer says that an object is not there any more.
func (d *DB) Unreach(name string, n ls.NLRI, at time.Time) error {
	o, err := d.object(n)
	if err != nil {
		return fmt.Errorf("BGP-LS object that peer %s withdraws: %w", name, err)
	}
	d.withdraw(o, name, at)
	return nil
}

func (d *DB) withdraw(o *object, name string, at time.Time) {
	if before := o.words.Of(name); before != nil {
		d.set(o, o.words.With(before.Gone(at)), true)
	}
}

// Lost takes in that the session of a peer has ended: what it said is stale.
func (d *DB) Lost(name string, at time.Time) {
	p := d.peer(name)
	p.up, p.since = false, at
	for _, o := range d.objects {
		if w := o.words.Of(name); w != nil && !w.IsStale() {
			stale := *w
			stale.Stale = at
			d.set(o, o.words.With(stale), true)
		}
	}
}

// EndOfRIB takes in that a peer has said all of a family: what it has not said
// again is not there. A caller that will not wait for it any longer calls it too.
func (d *DB) EndOfRIB(name string, family ls.Family, at time.Time) {
	p := d.peer(name)
	p.families = maps.Clone(p.families)
	if p.families == nil {
		p.families = map[ls.Family]bool{}
	}
	p.families[rib(family)] = true
	for _, o := range d.objects {
		if w := o.words.Of(name); w != nil && w.IsStale() && familyOf(o.nlri) == rib(family) {
			d.withdraw(o, name, at)
		}
	}
}

// Remove forgets a peer and all it said.
func (d *DB) Remove(name string) {
	for _, o := range d.objects {
		if o.words.Of(name) != nil {
			d.set(o, o.words.Without(name), true)
		}
	}
	delete(d.peers, name)
}

// set gives an object its words. An object that nobody says is there is
// forgotten.
func (d *DB) set(o *object, words said.Words, changed bool) {
	if words = words.Settled(); len(words) == 0 {
		delete(d.objects, o.key)
	}
	changed = changed || len(words) != len(o.words)
	d.count(o.words, -1)
	d.count(words, 1)
	o.words = words
	if changed {
		d.dirty[o] = true
	}
}

func (d *DB) count(words said.Words, n int) {
	for i := range words {
		if p := d.peers[words[i].Peer]; !words[i].Withdrawn {
			p.objects += n
			if words[i].IsStale() {
				p.stale += n
			}
		}
	}
}

// object finds or makes the object of an NLRI.
func (d *DB) object(n ls.NLRI) (*object, error) {
	n = plain(n)
	key, err := keyOf(n)
	if err != nil {
		return nil, err
	}
	if o := d.objects[key]; o != nil {
		return o, nil
	}
	return &object{key: key, nlri: n}, nil
}

// plain is the NLRI without BGP-LS Identifiers of 0: the TLV is deprecated (RFC
// 9552 section 5.2.1.4), some speakers send it and others do not, and they speak
// of one object.
func plain(n ls.NLRI) ls.NLRI {
	without := func(d *ls.NodeDescriptor) {
		if d.BGPLSIdentifier.Value == 0 {
			d.BGPLSIdentifier.Known = false
		}
	}
	switch x := n.(type) {
	case ls.Node:
		without(&x.Local)
		return x
	case ls.Link:
		without(&x.Local)
		without(&x.Remote)
		return x
	case ls.Prefix:
		without(&x.Local)
		return x
	case ls.SRv6SID:
		without(&x.Local)
		return x
	}
	return n
}

// keyOf is an NLRI as it is encoded, behind its family: equal for equal objects,
// and an order of them.
func keyOf(n ls.NLRI) (string, error) {
	b := make([]byte, 1, 256)
	if familyOf(n).VPN {
		b[0] = 1
	}
	b, err := ls.AppendNLRI(b, n)
	return string(b), err
}

func familyOf(n ls.NLRI) ls.Family {
	switch n := n.(type) {
	case ls.Node:
		return ls.Family{VPN: n.RD.Known}
	case ls.Link:
		return ls.Family{VPN: n.RD.Known}
	case ls.Prefix:
		return ls.Family{VPN: n.RD.Known}
	case ls.SRv6SID:
		return ls.Family{VPN: n.RD.Known}
	case ls.Opaque:
		return ls.Family{VPN: n.RD.Known}
	}
	return ls.Family{}
}

// peerStates lists the peers by name.
func (d *DB) peerStates() []PeerState {
	out := make([]PeerState, 0, len(d.peers))
	for _, name := range slices.Sorted(maps.Keys(d.peers)) {
		p := d.peers[name]
		s := PeerState{Name: name, Up: p.up, Since: p.since, Objects: p.objects, Stale: p.stale, Complete: len(p.families) > 0}
		for _, done := range p.families {
			s.Complete = s.Complete && done
		}
		out = append(out, s)
	}
	return out
}
