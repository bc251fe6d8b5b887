// Package daemon puts an agent together: kernel, prober, session and the loop
// between them, as one process. It adds nothing of its own. cmd/keiro-agent
// calls it.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent"
	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/headend"
	"github.com/keiro-net/keiro/agent/internal/protect"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/local"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe"
	"github.com/keiro-net/keiro/agent/probe/way"
	"github.com/keiro-net/keiro/agent/quantum"
	"github.com/keiro-net/keiro/agent/rtnl"
	"github.com/keiro-net/keiro/agent/sample"
	"github.com/keiro-net/keiro/agent/session"
	"github.com/keiro-net/keiro/agent/tunnel"
	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
)

// Options of one agent.
type Options struct {
	Node       string
	Controller string        // host:port, or unix:/path
	Dir        string        // key, certificate, last good config; made with mode 0700
	TokenFile  string        // "": the environment, see session.ReadToken
	KEM        kem.Suite     // that agrees on keys of lanes, at both ends the same
	KME        string        // file that describes the site's KME; "": there is none
	Lanes      tunnel.Maker  // what makes their interfaces
	BGP        string        // file of kind BGP; "": no policies by BGP
	Rotate     time.Duration // from one epoch of lanes to the next
	Log        *slog.Logger
}

// Bounds of Options.Rotate.
const (
	leastRotate = time.Second
	mostRotate  = 10 * time.Minute
)

// Run runs an agent in the network namespace of the process until ctx ends.
// What it installed stays. The process is protected from then on: it leaves no
// core dump, and only root can look into it.
func Run(ctx context.Context, o Options) error {
	protect.Process(o.Log)
	if o.Controller == "" {
		return errors.New("which controller? give --controller host:port")
	}
	if o.Rotate < leastRotate || o.Rotate > mostRotate {
		return fmt.Errorf("--rotate-every %s: want %s to %s", o.Rotate, leastRotate, mostRotate)
	}
	kme, err := newKME(o)
	if err != nil {
		return err
	}
	var peers *file.File
	if o.BGP != "" {
		if peers, err = file.Read(o.BGP); err != nil {
			return err
		}
	}
	token, err := session.ReadToken(o.TokenFile)
	if err != nil {
		return err
	}
	root, err := local.Listen(o.Dir, o.Log)
	if err != nil {
		return fmt.Errorf("socket for the node's root: %w", err)
	}
	defer root.Close()
	orders := make(chan floor.Order)
	in, out := make(chan nodecfg.ToAgent), make(chan nodecfg.FromAgent)
	began := make(chan struct{}, 1)
	client, err := session.New(session.Options{
		Node: o.Node, Address: o.Controller, Dir: o.Dir, Token: token, Log: o.Log,
		OnSession: func() { signal(began) },
	})
	if err != nil {
		return err
	}
	root.Uplink = client.Standing
	kernel, err := rtnl.Open()
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer kernel.Close()
	prober, err := probe.New(o.Log)
	if err != nil {
		return err
	}
	defer prober.Close()
	ways, err := way.New(o.Log)
	if err != nil {
		return err
	}
	defer ways.Close()
	samples := sample.New(o.Log, nil)
	defer samples.Close()
	lanes := newLanes(o, client, kme)
	defer lanes.Close()
	loop := agent.Options{
		Node: o.Node, Dir: o.Dir, Kernel: kernel, Prober: prober, Lanes: lanes, Ways: ways, Samples: samples, In: in, Out: out, Begun: began,
		Orders: orders, Log: o.Log,
	}
	var head *headend.Headend
	if peers != nil {
		head, err = headend.New(ctx, headend.Options{Speaker: peers.Speaker, Peers: peers.Sessions(), Dir: o.Dir, Log: o.Log})
		if err != nil {
			return err
		}
		defer head.Close()
		loop.Routes, loop.Near = head, func() []netip.Prefix { return near(client.Remote()) }
	}

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var parts sync.WaitGroup
	run := func(part func() error) {
		parts.Go(func() {
			if err := part(); err != nil && ctx.Err() == nil {
				stop(err)
			}
		})
	}
	run(func() error { return client.Run(ctx, in, out) })
	run(func() error { return prober.Run(ctx) })
	run(func() error { return ways.Run(ctx) })
	run(func() error { return samples.Run(ctx) })
	parts.Go(func() { root.Run(ctx, orders) })
	run(func() error {
		kme.Run(ctx)
		return nil
	})
	if head != nil {
		run(func() error { return head.Run(ctx) })
	}
	run(func() error { return agent.Run(ctx, loop) })
	<-ctx.Done()
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// newKME makes the client of the site's KME, if there is one.
func newKME(o Options) (*quantum.KME, error) {
	var file *quantum.File
	if o.KME != "" {
		var err error
		if file, err = quantum.Load(o.KME, o.Node); err != nil {
			return nil, err
		}
	}
	return quantum.New(quantum.Options{File: file, Interval: o.Rotate, Log: o.Log})
}

// newLanes makes the encrypted part. Helpers are this very program, and live on
// when it ends.
func newLanes(o Options, client *session.Client, kme *quantum.KME) *tunnel.Lanes {
	helpers := &lane.Helpers{Dir: filepath.Join(o.Dir, "lanes"), Command: []string{"/proc/self/exe", "lane"}}
	machine, err := tunnel.NewMachine(helpers, 0, o.Lanes)
	if err != nil {
		o.Log.Warn("what makes the lanes", "asked", o.Lanes, "error", err)
	}
	keys := client.Keys()
	return tunnel.New(tunnel.Options{
		Node: o.Node, Identity: keys.Identity, WireGuard: keys.WireGuard, Authority: client.Authority, Dir: o.Dir,
		Devices: machine, Suite: o.KEM, Params: rotate.Every(o.Rotate), Quantum: kme, Log: o.Log,
	})
}

func signal(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
