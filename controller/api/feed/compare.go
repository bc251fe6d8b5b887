package feed

import (
	"reflect"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// compare lists what leads from one state to the next; before may be nil.
// What was removed is listed as it was.
func compare(before, after *resource.State) []resource.Change {
	var out []resource.Change
	if before == nil {
		before = &resource.State{}
	}
	if after.TopologyGeneration != before.TopologyGeneration {
		op := resource.Changed
		if before.Topology == nil {
			op = resource.Added
		}
		out = append(out, resource.Change{Kind: resource.TopologyChange, Op: op, Generation: after.TopologyGeneration})
	}
	add := func(kind resource.ChangeKind, op resource.Op) *resource.Change {
		out = append(out, resource.Change{Kind: kind, Op: op})
		return &out[len(out)-1]
	}
	each(before.Nodes, after.Nodes, func(n *resource.Node) string { return n.Name },
		func(op resource.Op, n *resource.Node) { add(resource.NodeChange, op).Node = n })
	each(before.Links, after.Links, func(l *resource.Link) string { return l.Name },
		func(op resource.Op, l *resource.Link) { add(resource.LinkChange, op).Link = l })
	each(before.Drains, after.Drains, func(d *resource.Drain) string { return d.Kind + ":" + d.Name },
		func(op resource.Op, d *resource.Drain) { add(resource.DrainChange, op).Drain = d })
	each(before.Intents, after.Intents, func(i *resource.Intent) string { return i.Metadata.Name },
		func(op resource.Op, i *resource.Intent) { add(resource.IntentChange, op).Intent = i })
	each(before.Alerts, after.Alerts, func(a *resource.Alert) string { return a.ID },
		func(op resource.Op, a *resource.Alert) { add(resource.AlertChange, op).Alert = a })
	return out
}

// each calls told for what was added or changed, in the order of after, then
// for what was removed, in the order of before.
func each[T any](before, after []*T, key func(*T) string, told func(resource.Op, *T)) {
	old := make(map[string]*T, len(before))
	for _, b := range before {
		old[key(b)] = b
	}
	kept := make(map[string]bool, len(after))
	for _, a := range after {
		k := key(a)
		kept[k] = true
		b, was := old[k]
		switch {
		case !was:
			told(resource.Added, a)
		case a != b && !reflect.DeepEqual(a, b):
			told(resource.Changed, a)
		}
	}
	for _, b := range before {
		if !kept[key(b)] {
			told(resource.Removed, b)
		}
	}
}
