package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

// tellWithin bounds how long one agent may take to be told.
const tellWithin = 10 * time.Second

// order is what one node is told about its keys.
type order struct {
	node    string
	request nodecfg.RotateRequest
	pairs   int
	failed  string // why it could not be told; "": it was
}

// tell carries out orders, all at once.
func (b *backend) tell(ctx context.Context, orders []order) {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	var asking sync.WaitGroup
	for n := range orders {
		asking.Go(func() {
			o := &orders[n]
			result, err := b.rotate(ctx, o.node, o.request)
			switch {
			case err != nil:
				o.failed = err.Error()
			case result.Error != "":
				o.failed = result.Error
			}
			o.pairs = result.Pairs
		})
	}
	asking.Wait()
}

// note adds to a Rotation what became of orders.
func note(r *resource.Rotation, orders []order) {
	for _, o := range orders {
		if o.failed == "" {
			r.Told = append(r.Told, o.node)
		} else {
			r.Untold = append(r.Untold, resource.Untold{Node: o.node, Why: o.failed})
		}
	}
}

func untold(all []resource.Untold) string {
	var out []string
	for _, u := range all {
		out = append(out, "node "+u.Node+": "+u.Why)
	}
	return strings.Join(out, "; ")
}

// lanesWith are the lanes of the newest state for which keep holds.
func (b *backend) lanesWith(keep func(*resource.Lane) bool) []*resource.Lane {
	return slices.DeleteFunc(slices.Clone(b.State().Lanes), func(l *resource.Lane) bool { return !keep(l) })
}

// Rotate implements api.Backend. One end of a pair is enough: the heads are
// told, and for those that cannot be, the tails of their lanes.
func (b *backend) Rotate(ctx context.Context, name string) (*resource.Rotation, error) {
	if b.State().Intent(name) == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", name)
	}
	lanes := b.lanesWith(func(l *resource.Lane) bool { return l.Intent == name })
	if len(lanes) == 0 {
		return nil, resource.Errorf(resource.Conflict, "intent %s has no lanes: it asks for no encryption, or no path of it stands", name)
	}
	var heads, tails []order
	for _, l := range lanes {
		if !slices.ContainsFunc(heads, func(o order) bool { return o.node == l.Ends[0].Node }) {
			heads = append(heads, order{node: l.Ends[0].Node, request: nodecfg.RotateRequest{Intent: name}})
		}
	}
	b.tell(ctx, heads)
	for _, l := range lanes {
		head := heads[slices.IndexFunc(heads, func(o order) bool { return o.node == l.Ends[0].Node })]
		tail := order{node: l.Ends[1].Node, request: nodecfg.RotateRequest{Peer: head.node}}
		if head.failed != "" && !slices.Contains(tails, tail) {
			tails = append(tails, tail)
		}
	}
	b.tell(ctx, tails)
	out := &resource.Rotation{Intent: name, Told: []string{}}
	all := slices.Concat(heads, tails)
	for _, o := range all {
		out.Pairs += o.pairs
	}
	note(out, all)
	if out.Pairs == 0 {
		return nil, resource.Errorf(resource.Unavailable, "no end of the lanes of intent %s can be told: %s", name, untold(out.Untold))
	}
	b.noteEvent(ctx, "Rotate", "intent:"+name, "new keys for %d pairs of agents", out.Pairs)
	return out, nil
}

// Rekey implements api.Backend. Both ends of every lane are told, for each has
// to distrust what it has; one of them is enough to begin.
func (b *backend) Rekey(ctx context.Context, node string, within time.Duration) (*resource.Rotation, error) {
	if d, _ := b.now(); !exists(d, "node", node) {
		return nil, resource.Errorf(resource.NotFound, "there is no node %s", node)
	}
	peers := b.peersOf(node)
	if len(peers) == 0 {
		return nil, resource.Errorf(resource.Conflict, "node %s has no lanes, so there are no keys to renew", node)
	}
	orders := []order{{node: node, request: nodecfg.RotateRequest{Within: within, Compromised: true}}}
	for _, peer := range peers {
		orders = append(orders, order{node: peer, request: nodecfg.RotateRequest{Peer: node, Within: within, Compromised: true}})
	}
	b.tell(ctx, orders)
	out := &resource.Rotation{Node: node, Told: []string{}}
	for _, o := range orders[1:] {
		if o.failed == "" || orders[0].failed == "" {
			out.Pairs++
		}
	}
	note(out, orders)
	if out.Pairs == 0 {
		return nil, resource.Errorf(resource.Unavailable, "neither node %s nor a peer of it can be told: %s", node, untold(out.Untold))
	}
	b.noteEvent(ctx, "Rekey", "node:"+node, "its keys are distrusted and renewed within %s, with %d peers", within, out.Pairs)
	return out, nil
}

// peersOf are the nodes that have lanes with a node, sorted.
func (b *backend) peersOf(node string) []string {
	var out []string
	for _, l := range b.State().Lanes {
		switch node {
		case l.Ends[0].Node:
			out = append(out, l.Ends[1].Node)
		case l.Ends[1].Node:
			out = append(out, l.Ends[0].Node)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Revoke implements api.Backend. First what is stored, then the peers, last the
// session: whoever comes back meanwhile is refused.
func (b *backend) Revoke(ctx context.Context, node string) (*resource.Revocation, error) {
	// A caller who hangs up must not leave it half done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	switch enrolled, err := b.authority.Revoke(ctx, node); {
	case err != nil:
		return nil, fmt.Errorf("revoke node %s: %w", node, err)
	case !enrolled:
		return nil, resource.Errorf(resource.NotFound, "node %s has no enrolled agent, so there is nothing to revoke", node)
	}
	out := &resource.Revocation{Node: node, Intents: []string{}}
	for _, l := range b.lanesWith(func(l *resource.Lane) bool { return l.Ends[0].Node == node || l.Ends[1].Node == node }) {
		out.Intents = append(out.Intents, l.Intent)
	}
	slices.Sort(out.Intents)
	out.Intents = slices.Compact(out.Intents)
	b.noteEvent(ctx, "Revoke", "node:"+node, "its agent is not believed any more")
	err := b.loop.after(core.AgentRevoked{Node: node})
	b.fleet.Disconnect(node)
	return out, err
}

// noteEvent says in the event log what an operator asked for; the state that
// is published next carries it.
func (b *backend) noteEvent(ctx context.Context, kind, object, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if by := api.Principal(ctx); by != "" {
		message += ", as " + by + " asked"
	}
	e := core.Entry{Time: time.Now(), Type: kind, Object: object, Message: message, Severity: "info"}
	if name, ok := strings.CutPrefix(object, "intent:"); ok {
		e.Intents = []string{name}
	}
	b.record(e)
}
