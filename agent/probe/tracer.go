package probe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// A question that stays open is asked again, some time later because nodes
// limit how many errors they send (net.ipv6.icmp.ratelimit: 6 at once, then by
// default one a second to a host, four a second to a /48). Answered ones are
// not, which leaves the limit to those that need it.
var traceTries = []time.Duration{0, 300 * time.Millisecond, 900 * time.Millisecond, 1500 * time.Millisecond}

const (
	traceTime = 2500 * time.Millisecond
	traceTick = 2 * time.Millisecond
)

// tracer asks who is on the way. It has sockets of its own, so that it does
// not meet the probes.
type tracer struct {
	busy chan struct{} // one slot: one trace at a time
	wire *wire.Socket
	icmp int
	seal *stamp.Sealer
}

func newTracer() (*tracer, error) {
	w, err := wire.Open()
	if err != nil {
		return nil, err
	}
	icmp, err := newErrorSocket()
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("open raw ICMPv6 socket (needs CAP_NET_RAW): %w", err)
	}
	return &tracer{busy: make(chan struct{}, 1), wire: w, icmp: icmp, seal: newSealer()}, nil
}

// close waits for a trace under way.
func (t *tracer) close() {
	t.busy <- struct{}{}
	t.wire.Close()
	unix.Close(t.icmp)
	t.icmp = -1
	<-t.busy
}

// Trace sends packets down every path of an intent: with each hop limit from 1
// to the number of its links, so that each node on it answers Time Exceeded in
// turn, and one that goes all the way and back. All at once, in less than 3
// seconds. What cfg says of the intent is traced, whatever Set said.
func (p *Prober) Trace(ctx context.Context, cfg *nodecfg.Config, req nodecfg.TraceRequest) nodecfg.TraceResult {
	result := nodecfg.TraceResult{ID: req.ID}
	i := slices.IndexFunc(cfg.Policies, func(q nodecfg.Policy) bool { return q.Intent == req.Intent })
	if i < 0 {
		result.Error = fmt.Sprintf("node %s has no path for intent %q", cfg.Node, req.Intent)
		return result
	}
	paths := cfg.Policies[i].Paths
	asked := make([]*inquiry, len(paths))
	for i := range paths {
		asked[i] = newInquiry(len(paths[i].Hops) - 1)
	}
	if err := p.tracer.run(ctx, cfg, paths, asked); err != nil {
		result.Error = fmt.Sprintf("trace of intent %s: %v", req.Intent, err)
		return result
	}
	names := namesOf(cfg)
	for i := range paths {
		result.Paths = append(result.Paths, asked[i].result(&paths[i], names))
	}
	return result
}

// try is one packet of a trace; its sequence number is its place in the list.
type try struct{ path, hops int }

// run asks until all is answered or the time is over.
func (t *tracer) run(ctx context.Context, cfg *nodecfg.Config, paths []nodecfg.Path, asked []*inquiry) error {
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if t.icmp < 0 {
		return errClosed
	}
	if err := t.wire.Settle(nodecfg.Loopback(cfg.Locator)); err != nil {
		return err
	}
	t.drop()
	var tries []try
	start := time.Now()
	tick := time.NewTicker(traceTick)
	defer tick.Stop()
	for round := 0; time.Since(start) < traceTime; {
		if round < len(traceTries) && time.Since(start) >= traceTries[round] {
			round++
			for i := range paths {
				tries = t.ask(cfg, &paths[i], i, asked[i], tries)
			}
		}
		t.listen(tries, asked)
		if !slices.ContainsFunc(asked, (*inquiry).open) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// ask sends a packet for each open question about one path.
func (t *tracer) ask(cfg *nodecfg.Config, path *nodecfg.Path, i int, q *inquiry, tries []try) []try {
	link, packet, err := loop(cfg, path, t.wire.Port())
	if err != nil {
		q.trouble = err
		return tries
	}
	// Nodes limit errors by the host they go to. Those that probes of broken
	// paths bring about go to the loopback address, so these go elsewhere.
	packet.From(nodecfg.Adjacency(cfg.Locator, link.ID))
	by, err := t.wire.Exit(packet.FirstSID(), link.Interface)
	if err != nil {
		q.trouble = err
		return tries
	}
	for hops := range q.answers {
		if q.settled(hops) {
			continue
		}
		packet.Limit(wire.FullHops)
		if hops > 0 {
			packet.Limit(uint8(hops))
		}
		t.seal.Seal(packet.Payload(), stamp.Test{Sequence: uint32(len(tries)), Sent: stamp.NTPOf(time.Now()), Clock: stamp.Unsynced, SSID: uint16(i)})
		packet.Seal()
		tries = append(tries, try{path: i, hops: hops})
		if q.trouble = t.wire.Send(packet, by); q.trouble != nil {
			q.trouble = fmt.Errorf("send over %s (link %s): %w", link.Interface, link.Name, q.trouble)
			return tries
		}
	}
	return tries
}

// listen gives the answers that came to the questions they belong to.
func (t *tracer) listen(tries []try, asked []*inquiry) {
	take := func(test []byte, a answer, at time.Time) {
		st, ok := t.seal.Open(test)
		if !ok || int64(st.Sequence) >= int64(len(tries)) {
			return
		}
		a.known = true
		a.rtt = max(stamp.NTPOf(at).Sub(st.Sent), 0)
		this := tries[st.Sequence]
		asked[this.path].take(this.hops, a)
	}
	t.wire.Receive(t.wire.UDP(), func(a wire.Arrived) { take(a.Data, answer{home: true}, a.At) })
	t.wire.Receive(t.icmp, func(a wire.Arrived) {
		if e, test, ok := parseError(a.Data); ok {
			take(test, answer{from: a.From.Addr(), err: e}, a.At)
		}
	})
}

// drop forgets what came since the last trace.
func (t *tracer) drop() { t.listen(nil, nil) }
