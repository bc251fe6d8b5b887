// Package controller runs one controller: it owns the loop around
// controller/core and joins to it the store, the agents' channel, the API and
// the alerts. It decides nothing about paths. cmd/keiro-controller calls it.
//
// package budget: the shell that joins core, store, fleet, API and alerts; each of its files is one joint
package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/alert/egress"
	"github.com/keiro-net/keiro/controller/alert/outbox"
	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/fleet"
	"github.com/keiro-net/keiro/controller/history"
	"github.com/keiro-net/keiro/controller/pki"
	"github.com/keiro-net/keiro/controller/routers"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/controller/solver"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/controller/waiver"
	"github.com/keiro-net/keiro/keys/sign"
)

// Options of one controller.
type Options struct {
	Dir       string           // all that it keeps; made with mode 0700
	Store     store.Options    // Dir is filled in for the embedded member
	API       string           // where the API listens: host:port, or fd:N for a socket that is there already
	Agents    []string         // where agents dial: host:port, or unix:/path
	Names     []string         // names and addresses of this machine, beside localhost
	Endpoints []alert.Endpoint // whom alerts are sent to
	Operators []*sign.Public   // whose waivers count; none: nobody's
	BGP       string           // file of kind BGP; "": no BGP
	Params    core.Params
	SolveTime time.Duration // the longest time for the paths of all intents, and again for reasons and reserves
	Version   resource.Version
	Log       *slog.Logger
}

// Run runs a controller until ctx ends.
func Run(ctx context.Context, o Options) (err error) {
	var sessions *file.File
	if o.BGP != "" {
		if sessions, err = file.Read(o.BGP); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	o.Store.Dir, o.Store.Log = filepath.Join(o.Dir, "store"), o.Log
	kept, err := store.Open(ctx, o.Store)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	authority, err := pki.Open(pki.Options{Dir: o.Dir, Store: kept, Names: append(o.Names, "localhost", "127.0.0.1", "::1")})
	if err != nil {
		return err
	}
	b, first, err := restore(ctx, kept, authority, o.Log)
	if err != nil {
		return err
	}
	first.BGP = routers.Peers(sessions)
	if o.Params.TestSecret, err = pki.TestSecret(ctx, kept); err != nil {
		return err
	}
	var here egress.Own
	alerts, err := alert.New(ctx, alert.Config{Endpoints: o.Endpoints, Outbox: outbox.Outbox{Store: kept}, Log: o.Log, Firing: b.firing, Own: here.Is})
	if err != nil {
		return err
	}
	b.join(o, alerts)
	if err := b.speak(ctx, o, sessions); err != nil {
		return err
	}
	defer b.routers.Close()
	server, err := api.New(api.Config{Backend: b, Auth: operators{authority}, Version: o.Version, Log: o.Log, Alerts: alerts})
	if err != nil {
		return err
	}
	agents, err := listenAll(ctx, o.Agents)
	if err != nil {
		return err
	}
	listener, err := listenAPI(ctx, o.API)
	if err != nil {
		return err
	}
	here.Set(append(agents, listener)...)
	addr := listener.Addr().String()
	if err := credentials(ctx, o.Dir, authority, addr); err != nil {
		return errors.Join(err, listener.Close())
	}
	o.Log.Info("controller runs", "api", addr, "agents", o.Agents, "version", o.Version.Version)
	return together(ctx,
		func(ctx context.Context) error { b.loop.run(ctx, first); return nil },
		func(ctx context.Context) error { b.solver.Run(ctx); return nil },
		func(ctx context.Context) error { return b.keepTime(ctx, o.Log) },
		func(context.Context) error { b.loop.records.run(b.loop.done); return nil },
		func(context.Context) error { b.loop.alarms.run(b.loop.done); return nil },
		func(context.Context) error { b.events.Run(b.loop.done); return nil },
		func(context.Context) error { b.ledgers.run(b.loop.done); return nil },
		func(ctx context.Context) error { alerts.Run(ctx); return nil },
		b.routers.Run,
		func(ctx context.Context) error { return b.fleet.Serve(ctx, agents...) },
		func(ctx context.Context) error { return server.Serve(ctx, listener, authority.APITLS()) },
	)
}

// join makes the loop and the agents' channel, and ties them together.
func (b *backend) join(o Options, alerts *alert.Sender) {
	b.solveTime, b.operators = o.SolveTime, o.Operators
	b.loop = newLoop(core.New(o.Params), o)
	b.fleet = fleet.New(fleet.Options{Authority: b.authority, Events: sessions{b.loop}, Log: o.Log})
	b.rotate = b.fleet.Rotate
	b.solver = solver.New(o.SolveTime, b.loop.feed, o.Log)
	b.loop.solve = b.solver.Ask
	b.loop.push = func(c *nodecfg.Config) { b.fleet.Push(c.Node, c) }
	b.ledgers = newLedgers(o, b.store.Commit)
	b.loop.record, b.loop.remember = b.record, b.ledgers.add
	b.loop.publish = b.publish
	b.loop.commit = b.store.Commit
	b.loop.records = newQueue(b.loop.write)
	b.loop.alarms = newQueue(func(ctx context.Context, a core.Alarm) {
		if err := alerts.Send(ctx, show.Alert(a)); err != nil {
			o.Log.Error("an alert would not outlive a restart", "alert", a.Key, "error", err)
		}
	})
}

// together runs all parts until ctx ends or one of them fails, and returns
// when all have ended.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	failed := make(chan error, len(parts))
	for _, part := range parts {
		running.Go(func() {
			if err := part(ctx); err != nil {
				failed <- err
				stop()
			}
		})
	}
	running.Wait()
	close(failed)
	return <-failed
}

// listenAll opens the listeners that agents dial.
func listenAll(ctx context.Context, where []string) ([]net.Listener, error) {
	var out []net.Listener
	for _, w := range where {
		l, err := fleet.Listen(ctx, w)
		if err != nil {
			for _, open := range out {
				_ = open.Close()
			}
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// restore reads what the store holds.
func restore(ctx context.Context, kept *store.Store, authority *pki.Authority, log *slog.Logger) (*backend, core.Started, error) {
	var first core.Started
	blob, _, err := kept.Spec(ctx)
	if err != nil {
		return nil, first, err
	}
	d, err := declare.Decode(blob)
	if err != nil {
		return nil, first, err
	}
	b := &backend{Feed: feed.New(), store: kept, authority: authority, declared: d, clerk: newClerk()}
	if b.events, err = history.Open(ctx, kept, time.Now(), log); err != nil {
		return nil, first, err
	}
	first.Spec = d.Spec
	agents, err := authority.Agents(ctx)
	if err != nil {
		return nil, first, err
	}
	for _, a := range agents {
		first.Known = append(first.Known, a.Node)
		if p := peerOf(a); p != nil {
			first.Peers = append(first.Peers, *p)
		}
	}
	first.Standing, first.Ledgers = map[string]core.Standing{}, map[string]*comply.Ledger{}
	err = errors.Join(
		each(ctx, kept, standingBucket, func(key string, s core.Standing) { first.Standing[key] = s }),
		each(ctx, kept, ledgerBucket, func(key string, l comply.Ledger) { first.Ledgers[key] = &l }),
		each(ctx, kept, aliveBucket, func(_ string, at time.Time) { first.Seen = at }),
		each(ctx, kept, alarmBucket, func(_ string, a core.Alarm) { first.Alarms = append(first.Alarms, a) }),
		each(ctx, kept, waiverBucket, func(_ string, s waiver.Signed) { b.waivers = append(b.waivers, s) }),
		each(ctx, kept, drainBucket, func(_ string, d resource.Drain) { b.drains = append(b.drains, &d) }),
	)
	first.Drains = drainsOf(b.drains)
	return b, first, err
}

// each reads the records of a bucket.
func each[T any](ctx context.Context, kept *store.Store, bucket string, take func(key string, value T)) error {
	records, err := kept.List(ctx, bucket)
	if err != nil {
		return err
	}
	for _, r := range records {
		var value T
		if err := json.Unmarshal(r.Value, &value); err != nil {
			return fmt.Errorf("stored %s %s: %w", bucket, r.Key, err)
		}
		take(r.Key, value)
	}
	return nil
}

func (b *backend) publish(v core.View) {
	d, drains := b.now()
	if d.Generation != v.Spec.Generation {
		return // stored already; the loop learns of it next
	}
	b.seen.Store(&v)
	b.Feed.Publish(show.State(b.State(), d, v, drains), b.events.Take()...)
}
