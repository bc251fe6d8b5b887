package probe

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

const (
	// bindEvery is how often the port is asked for that another program has.
	bindEvery = time.Second
	// maxWays bounds the packets that are kept to be filled in again.
	maxWays = 4096
)

// reflector is the node's Session-Reflector: it sends the answers that
// stamp.Reflector decides on.
type reflector struct {
	log *slog.Logger

	mu      sync.Mutex // of all below
	wire    *wire.Socket
	deaf    trouble
	mute    trouble
	decide  *stamp.Reflector
	node    string
	locator netip.Prefix
	homes   map[netip.Addr]netip.Addr    // where peers decapsulate, by their address
	links   map[netip.Addr]*nodecfg.Link // by this node's End.X
	ways    map[way]*wayBack
	wall    wallClock
	closed  bool
}

// way names a session.
type way struct {
	to   netip.Addr
	ssid uint16
	port uint16
}

// wayBack is the packet of a session's answers.
type wayBack struct {
	sids   []netip.Addr // as the sender gave them
	packet wire.Packet
	by     *wire.Exit
}

func newReflector(log *slog.Logger) *reflector {
	return &reflector{log: log}
}

// open makes the sockets, in the network namespace of the calling thread.
func (r *reflector) open() {
	w, err := wire.OpenUnbound()
	r.deaf.note(r.log, err, "test packets of other nodes are not answered")
	r.wire = w
}

func (r *reflector) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.wire != nil {
		r.wire.Close()
	}
	r.closed = true
}

// set makes the nodes of cfg the ones that are answered, over its links.
func (r *reflector) set(cfg *nodecfg.Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.node != cfg.Node || r.decide == nil {
		r.node = cfg.Node
		r.decide = stamp.NewReflector(cfg.Node, func(b []byte) { rand.Read(b) }) // never fails: crypto/rand
	}
	r.locator = cfg.Locator
	r.homes, r.links, r.ways = map[netip.Addr]netip.Addr{}, map[netip.Addr]*nodecfg.Link{}, map[way]*wayBack{}
	var peers []stamp.Peer
	for _, t := range cfg.Testers {
		addr := nodecfg.Loopback(t.Locator)
		peers = append(peers, stamp.Peer{Node: t.Node, Addr: addr, Key: t.Key})
		r.homes[addr] = nodecfg.EndDT6(t.Locator)
	}
	r.decide.SetPeers(peers)
	for i := range cfg.Links {
		l := cfg.Links[i]
		r.links[nodecfg.EndX(cfg.Locator, l.ID)] = &l
	}
}

// run answers until ctx ends or the reflector is closed.
func (r *reflector) run(ctx context.Context) {
	if r.wire == nil {
		return
	}
	retry := time.NewTicker(bindEvery)
	defer retry.Stop()
	for !r.bind() {
		select {
		case <-ctx.Done():
			return
		case <-retry.C:
		}
	}
	stop := context.AfterFunc(ctx, r.close)
	defer stop()
	_ = r.wire.Serve(r.round) // ends when closed
}

// bind takes the port. Another program may have it, this one's former life for
// a moment too.
func (r *reflector) bind() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return true
	}
	err := r.wire.Bind(stamp.Port)
	r.deaf.note(r.log, err, "test packets of other nodes are not answered")
	return err == nil
}

// round answers what waits, or so much of it that others have their turn, and
// says whether it was all.
func (r *reflector) round() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return true
	}
	r.wall.look(time.Now())
	return r.wire.Receive(r.wire.UDP(), r.answer)
}

func (r *reflector) answer(a wire.Arrived) {
	if r.decide == nil {
		return
	}
	out, ok := r.decide.Reflect(a.Data, a.From.Addr(), stamp.NTPOf(a.At), r.wall.of(time.Now()))
	if !ok {
		return
	}
	back := r.back(way{out.To, out.Reply.SSID, a.From.Port()}, out.Reply.Return)
	if back == nil {
		r.decide.Counters.Refused++
		return
	}
	out.Reply.Sent, out.Reply.Clock = stamp.NTPOf(time.Now()), r.wall.known
	out.Seal(back.packet.Payload())
	back.packet.Seal()
	err := r.wire.Send(back.packet, back.by)
	if err != nil && !wire.Passing(err) {
		delete(r.ways, way{out.To, out.Reply.SSID, a.From.Port()}) // the interface may be another one by now
	}
	r.mute.note(r.log, err, "answer to a test packet not sent", "to", out.To)
}

// back is the packet for answers by these SIDs; nil: they do not begin with a
// link of this node, or do not end at the one that asks.
func (r *reflector) back(w way, sids []netip.Addr) *wayBack {
	if b := r.ways[w]; b != nil && slices.Equal(b.sids, sids) {
		return b
	}
	link := r.links[sids[0]]
	if link == nil || len(sids) < 2 || sids[len(sids)-1] != r.homes[w.to] {
		return nil
	}
	// This node's own End.X is for packets that come to it; those that it
	// sends begin as its paths do (nodecfg.Path.Segments).
	list := slices.Clone(sids[1:])
	if !link.PeerAddress.IsValid() {
		list = slices.Insert(list, 0, nodecfg.IngressEnd(link.PeerLocator, link.PeerID))
	}
	packet, err := wire.New(wire.Spec{
		Source: nodecfg.Loopback(r.locator), To: w.to, SIDs: list, From: stamp.Port, At: w.port, Size: stamp.Size(len(sids)),
	})
	if err != nil {
		return nil
	}
	by, err := r.wire.Exit(packet.FirstSID(), link.Interface)
	if err != nil {
		r.mute.note(r.log, err, "answer to a test packet not sent", "to", w.to)
		return nil
	}
	if len(r.ways) >= maxWays {
		clear(r.ways)
	}
	b := &wayBack{sids: slices.Clone(sids), packet: packet, by: by}
	r.ways[w] = b
	return b
}
