package lsdb

import (
	"slices"

	"github.com/keiro-net/keiro/bgp/ls"
)

// View is what is known now. It costs what has changed since the last one.
func (d *DB) View() *View {
	v := &View{Peers: d.peerStates(), Routers: d.view.Routers, Links: d.view.Links, Half: d.view.Half}
	if len(d.dirty) > 0 {
		w := &work{DB: d, rename: map[*instance]bool{}, redraw: map[*router]bool{}, links: map[*object]bool{},
			bundles: map[*bundle]bool{}, lans: map[*lan]bool{}, gone: map[*router]bool{}}
		w.attach()
		w.regroup()
		w.rehome()
		w.remake(v)
		d.dirty = map[*object]bool{} // clearing one that was large costs what it held
	}
	d.view = v
	return v
}

// work is what changes lead to on the way to a View.
type work struct {
	*DB
	rename  map[*instance]bool // what claims may have changed, or came, or went
	redraw  map[*router]bool
	gone    map[*router]bool // routers that are no more
	links   map[*object]bool // halves that may be at home elsewhere now
	bundles map[*bundle]bool
	lans    map[*lan]bool
}

// attach hangs up objects that came at their nodes, and takes those off that
// went.
func (w *work) attach() {
	touched, judged := map[*instance]bool{}, map[*instance]bool{}
	for o := range w.dirty {
		there := o.words.Stand()
		if !there && !o.there {
			continue // its nodes may be gone as well
		}
		o.half = nil
		if there && !o.there {
			o.local, o.remote = w.nodesOf(o.nlri)
		}
		for _, i := range []*instance{o.local, o.remote} {
			if i == nil {
				continue
			}
			set := i.own
			if o.nlri.Type() == ls.LinkType {
				set = i.links
			}
			if there {
				set[o] = true
			} else if delete(set, o); len(i.own)+len(i.links) == 0 {
				touched[i] = true
			}
			if i.router == nil {
				touched[i] = true
			}
		}
		switch {
		case o.local == nil: // of no node
		case o.nlri.Type() == ls.LinkType:
			w.links[o] = true
		default:
			o.local.node = nil
			touched[o.local] = true
			if o.nlri.Type() == ls.NodeType {
				judged[o.local] = true
			}
		}
		o.there = there
	}
	looked := map[claim]bool{}
	for i := range touched {
		if len(i.own)+len(i.links) > 0 {
			w.instances[i.key] = i
		} else if w.instances[i.key] == i {
			delete(w.instances, i.key)
		}
		claims := i.claimed()
		if w.instances[i.key] != i {
			claims = nil
		}
		if i.router == nil || claims == nil || !slices.Equal(claims, i.claims) {
			w.rename[i] = true
			for _, c := range i.claims { // those that it was united with, or kept apart
				if looked[c] {
					continue // who was there then is noted, and so is who came since
				}
				looked[c] = true
				for _, other := range w.claims[c] {
					w.rename[other] = true
				}
			}
		}
		w.reclaim(i, claims)
		if i.router != nil {
			w.redraw[i.router] = true
		}
	}
	routers := map[*router]bool{}
	for i := range judged { // what is said of a router says whether its links are usable
		if i.router == nil {
			w.judge(i)
		} else if !routers[i.router] {
			routers[i.router] = true
			for _, m := range i.router.members {
				w.judge(m)
			}
		}
	}
}

func (w *work) judge(i *instance) {
	for o := range i.links {
		w.links[o] = true
	}
}

// nodesOf finds or makes the nodes that an NLRI names.
func (w *work) nodesOf(n ls.NLRI) (local, remote *instance) {
	switch n := n.(type) {
	case ls.Node:
		return w.instance(n.Origin, n.Local), nil
	case ls.Link:
		return w.instance(n.Origin, n.Local), w.instance(n.Origin, n.Remote)
	case ls.Prefix:
		return w.instance(n.Origin, n.Local), nil
	case ls.SRv6SID:
		return w.instance(n.Origin, n.Local), nil
	}
	return nil, nil
}

func (w *work) instance(o ls.Origin, n ls.NodeDescriptor) *instance {
	key, err := keyOf(ls.Node{Origin: o, Local: n})
	if err != nil { // the object that names it would not have been taken in
		panic("lsdb: a node that cannot be encoded: " + err.Error())
	}
	i := w.instances[key]
	if i == nil {
		i = &instance{key: key, origin: o, descriptor: n, own: map[*object]bool{}, links: map[*object]bool{}}
		if i.pseudonode() {
			i.lan = &lan{node: i, all: map[*object]bool{}}
		}
		w.instances[key] = i
	}
	return i
}

// regroup makes routers anew of instances whose claims changed.
func (w *work) regroup() {
	for i := range w.rename {
		if i.router != nil {
			w.gone[i.router] = true
		}
	}
	for _, r := range route(w.related(w.rename)) {
		if old := r.members[0].router; old != nil && equalRouters(old, r) {
			delete(w.gone, old)
			continue
		}
		for _, i := range r.members {
			if i.router != nil {
				w.gone[i.router] = true
			}
		}
		for _, i := range r.members {
			i.router = r
			w.judge(i)
		}
		w.redraw[r] = true
	}
}

func equalRouters(a, b *router) bool {
	return slices.Equal(a.members, b.members) && slices.Equal(a.conflicts, b.conflicts)
}

// rehome puts halves where they belong.
func (w *work) rehome() {
	for o := range w.links {
		var at home
		if o.there {
			at = w.homeOf(o)
		}
		if o.home != nil && o.home != at {
			delete(o.home.halves(), o)
			w.touch(o.home)
		}
		if o.home = at; at != nil {
			at.halves()[o] = true
			w.touch(at)
		}
	}
	for n := range w.lans {
		before := n.members
		n.remake()
		for e := range before {
			delete(w.bundle(e).lans, n)
		}
		for e := range n.members {
			w.bundle(e).lans[n] = true
		}
	}
}

func (w *work) touch(h home) {
	switch h := h.(type) {
	case *bundle:
		w.bundles[h] = true
	case *lan:
		w.lans[h] = true
	}
}

func (w *work) homeOf(o *object) home {
	switch {
	case o.local.lan != nil:
		return o.local.lan
	case o.remote.lan != nil:
		return o.remote.lan
	}
	return w.bundle(endsOf(o.local.router, o.remote.router))
}

// bundle finds or makes what is between two routers, to be remade.
func (w *work) bundle(e ends) *bundle {
	b := w.DB.bundles[e]
	if b == nil {
		b = &bundle{ends: e, direct: map[*object]bool{}, lans: map[*lan]bool{}}
		w.DB.bundles[e] = b
	}
	w.bundles[b] = true
	return b
}

// remake makes the parts of the View that changed, and puts them in.
func (w *work) remake(v *View) {
	var goneRouters, routers []*Router
	for r := range w.gone {
		goneRouters = append(goneRouters, r.view)
	}
	for r := range w.redraw {
		if w.gone[r] {
			continue
		}
		if r.view != nil {
			goneRouters = append(goneRouters, r.view)
		}
		r.view = r.make()
		routers = append(routers, r.view)
	}
	v.Routers = replaced(v.Routers, goneRouters, routers, compareRouters)

	var goneLinks, links []*Link
	var goneHalf, half []*HalfKnown
	for b := range w.bundles {
		goneLinks, goneHalf = append(goneLinks, b.links...), append(goneHalf, b.half...)
		b.remake()
		links, half = append(links, b.links...), append(half, b.half...)
		if len(b.direct)+len(b.lans) == 0 {
			delete(w.DB.bundles, b.ends)
		}
	}
	for n := range w.lans {
		goneHalf = append(goneHalf, n.shown...)
		n.shown = n.half
		half = append(half, n.half...)
	}
	v.Links = replaced(v.Links, goneLinks, links, compareLinks)
	v.Half = replaced(v.Half, goneHalf, half, compareHalf)
}
