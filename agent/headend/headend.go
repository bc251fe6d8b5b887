// Package headend holds the BGP sessions of a node with steering by BGP, and keeps
// what peers say, also on disk. It is a shell around package steer, which decides
// what counts, and package bgp, which speaks. The daemon runs it and the loop of
// package agent takes what was heard.
//
// It announces nothing, and chooses no paths.
package headend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/internal/durable"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/steer"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/message"
)

// Options are what a Headend is made of.
type Options struct {
	// Speaker needs no Log. Its RestartTime is also how long a peer that is back has
	// to say everything again, if it sends no End-of-RIB; 0: defaultGrace.
	Speaker bgp.Config
	Peers   []bgp.Peer
	Dir     string // where what was heard is kept
	Log     *slog.Logger
}

const (
	// tableFile holds what peers have said, below the state directory.
	tableFile    = "bgp.json"
	defaultGrace = 2 * time.Minute
	// objects that a peer may have, unless its limits say otherwise: more than a node
	// can steer.
	objects = 50_000
	// settle is how much may be heard before it is written to disk once: what a crash
	// takes with it the peers say again.
	settle = time.Second
)

// families are those with something for a headend.
var families = []message.Family{message.IPv4Unicast, message.IPv6Unicast, message.IPv4SRPolicy, message.IPv6SRPolicy}

// Headend is the BGP side of an agent.
type Headend struct {
	o       Options
	speaker *bgp.Speaker
	changes chan struct{}

	mu     sync.Mutex
	table  *steer.Table
	unread *nodecfg.ObjectError // why what was kept is not known
	unkept *nodecfg.ObjectError // why what is known is not kept

	kept   []byte    // on disk
	saveAt time.Time // zero: there is nothing to save
}

// New reads what was kept and begins to speak; Run listens, Close ends it.
func New(ctx context.Context, o Options) (*Headend, error) {
	grace := o.Speaker.RestartTime
	if grace == 0 {
		grace = defaultGrace
	}
	table := steer.Options{Identifier: o.Speaker.ID, Grace: grace}
	sessions := slices.Clone(o.Peers)
	for i, p := range sessions {
		of := slices.DeleteFunc(slices.Clone(p.Families), func(f message.Family) bool { return !slices.Contains(families, f) })
		if len(of) == 0 {
			return nil, fmt.Errorf("bgp peer %s: it has none of the address families that a headend listens to, %v", p.Name, families)
		}
		table.Peers = append(table.Peers, steer.Peer{Name: p.Name, Address: p.Address, Families: of})
		if p.Limits.Objects == 0 {
			sessions[i].Limits.Objects = objects
		}
	}
	h := &Headend{o: o, changes: make(chan struct{}, 1), table: steer.NewTable(table)}
	h.restore(table)
	o.Speaker.Log = o.Log
	var err error
	if h.speaker, err = bgp.New(ctx, o.Speaker); err != nil {
		return nil, err
	}
	if err := h.speaker.SetPeers(sessions); err != nil {
		h.speaker.Close()
		return nil, err
	}
	for _, p := range sessions {
		for _, f := range p.Families { // it has nothing to say, and says so
			if err := h.speaker.Complete(p.Name, f); err != nil {
				h.speaker.Close()
				return nil, err
			}
		}
	}
	return h, nil
}

// restore reads what was kept.
func (h *Headend) restore(o steer.Options) {
	path := filepath.Join(h.o.Dir, tableFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = h.table.Restore(b)
	}
	if err == nil {
		h.kept = b
		return
	}
	h.table = steer.NewTable(o)
	h.o.Log.Error("what bgp peers have said before is not known", "file", path, "error", err)
	h.unread = &nodecfg.ObjectError{Object: "what bgp peers have said, on disk",
		Error: fmt.Sprintf("%s cannot be read, so nothing is steered until they say it again: %v", path, err)}
}

// Changes has a token when Heard says something new.
func (h *Headend) Changes() <-chan struct{} { return h.changes }

// Heard is what peers say, and have said.
func (h *Headend) Heard() *steer.Heard {
	h.mu.Lock()
	defer h.mu.Unlock()
	heard := h.table.Heard()
	for _, e := range []*nodecfg.ObjectError{h.unread, h.unkept} {
		if e != nil {
			heard.Faults = append(heard.Faults, *e)
		}
	}
	return heard
}

// States are those of the peers.
func (h *Headend) States() []bgp.State { return h.speaker.States() }

// Run listens until ctx ends. What was heard by then is on disk.
func (h *Headend) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		h.next(ctx)
	}
	h.save()
	return ctx.Err()
}

// next waits for something to do and does it.
func (h *Headend) next(ctx context.Context) {
	h.mu.Lock()
	at := h.table.Wake()
	h.mu.Unlock()
	if !h.saveAt.IsZero() && (at.IsZero() || h.saveAt.Before(at)) {
		at = h.saveAt
	}
	if !at.IsZero() {
		due, cancel := context.WithDeadline(ctx, at)
		defer cancel()
		ctx = due
	}
	b, err := h.speaker.Next(ctx)
	now := time.Now()
	h.mu.Lock()
	changed := h.table.Expire(now)
	if err == nil {
		h.table.Take(b)
		changed = true
	}
	if h.table.Complete() {
		h.unread = nil // nothing of it would be left
	}
	h.mu.Unlock()
	if err == nil && b.Down != nil {
		h.o.Log.Warn("what the bgp peer has said stays in force until it is back", "peer", b.Peer)
	}
	if changed {
		h.tell()
		if h.saveAt.IsZero() {
			h.saveAt = now.Add(settle)
		}
	}
	if !h.saveAt.IsZero() && !now.Before(h.saveAt) {
		h.save()
	}
}

func (h *Headend) tell() {
	select {
	case h.changes <- struct{}{}:
	default:
	}
}

// save writes what is known to disk, if it is not there.
func (h *Headend) save() {
	h.saveAt = time.Time{}
	h.mu.Lock()
	b, err := h.table.Encode()
	h.mu.Unlock()
	if err == nil && bytes.Equal(b, h.kept) {
		return
	}
	if err == nil {
		err = durable.Write(filepath.Join(h.o.Dir, tableFile), b)
	}
	var unkept *nodecfg.ObjectError
	if err != nil {
		h.o.Log.Error("what bgp peers say is not kept", "error", err)
		unkept = &nodecfg.ObjectError{Object: "what bgp peers say, on disk", Error: err.Error()}
		h.saveAt = time.Now().Add(10 * settle)
	} else {
		h.kept = b
	}
	h.mu.Lock()
	known := h.unkept
	h.unkept = unkept
	h.mu.Unlock()
	if (known == nil) != (unkept == nil) {
		h.tell()
	}
}

// Close ends the sessions. The peers are not told to forget anything.
func (h *Headend) Close() { h.speaker.Close() }
