package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
	"github.com/keiro-net/keiro/lab/router/rib"
)

// Options of Run.
type Options struct {
	Config *Config
	// Socket is a unix socket at which rib.Read asks what is in gobgp's RIB; "":
	// none.
	Socket string
	Log    *slog.Logger
}

// families of all sessions.
var families = []bgp.Family{bgp.RF_LS, bgp.RF_SR_POLICY_IPv6, bgp.RF_SR_POLICY_IPv4, bgp.RF_IPv6_UC, bgp.RF_IPv4_UC}

// restartTime is how long routes of a controller that is away are kept, and
// what this router has said is, in seconds (RFC 4724).
const restartTime = 120

// retryAfter is when the kernel is asked again for what it did not take.
const retryAfter = time.Second

// router is one that runs.
type router struct {
	Options
	kernel *rtnl.Handle
	bgp    *server.BgpServer
	told   map[string]object // what gobgp was given, by key
	up     map[string]bool   // links, by interface
	said   []string          // what was refused last
	kept   map[string]string // why the kernel did not take something, by command
	became []object          // what has become of candidate paths, as it was said last

	mu        sync.Mutex
	installed []rib.Installed // by the kernel
}

// Run is a router in the network namespace of this process until ctx ends. Its
// kernel then forwards as before, and its neighbours are told.
func Run(ctx context.Context, o Options) error {
	r := &router{Options: o, told: map[string]object{}, up: map[string]bool{}}
	var err error
	if r.kernel, err = rtnl.Open(); err != nil {
		return err
	}
	defer r.kernel.Close()
	watch, err := r.kernel.Watch(ctx)
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	if err := r.startBGP(ctx, changed); err != nil {
		return err
	}
	defer r.bgp.Stop()
	if r.Socket != "" {
		if err := serve(ctx, r.Socket, r.answer); err != nil {
			return err
		}
	}
	for {
		if err := r.step(); err != nil {
			return err
		}
		var again <-chan time.Time
		if len(r.kept) > 0 {
			again = time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-watch.Wake:
		case <-watch.Links:
		case <-changed:
		case <-again:
		}
	}
}

// startBGP starts gobgp, which dials. What comes wakes the loop.
func (r *router) startBGP(ctx context.Context, changed chan<- struct{}) error {
	r.bgp = server.NewBgpServer(server.LoggerOption(r.Log, new(slog.LevelVar)))
	go r.bgp.Serve()
	global := &api.Global{Asn: r.Config.AS, RouterId: r.Config.RouterID.String(), ListenPort: -1}
	if err := r.bgp.StartBgp(ctx, &api.StartBgpRequest{Global: global}); err != nil {
		return fmt.Errorf("start gobgp: %w", err)
	}
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	err := r.bgp.WatchEvent(ctx, server.WatchEventMessageCallbacks{OnBestPath: func(paths []*apiutil.Path, _ time.Time) {
		// Its own objects it knows.
		if slices.ContainsFunc(paths, func(p *apiutil.Path) bool { return p.Family != bgp.RF_LS }) {
			wake()
		}
	}}, server.WatchBestPath(true))
	if err != nil {
		return fmt.Errorf("watch gobgp: %w", err)
	}
	for _, n := range r.Config.Neighbors {
		if err := r.bgp.AddPeer(ctx, &api.AddPeerRequest{Peer: r.peer(n)}); err != nil {
			return fmt.Errorf("BGP neighbor %v: %w", n.Address, err)
		}
	}
	return nil
}

func (r *router) peer(n Neighbor) *api.Peer {
	peer := &api.Peer{
		Conf:            &api.PeerConf{NeighborAddress: n.Address.String(), PeerAsn: r.Config.AS},
		Transport:       &api.Transport{RemotePort: uint32(n.Port)},
		Timers:          &api.Timers{Config: &api.TimersConfig{ConnectRetry: 1, IdleHoldTimeAfterReset: 1}},
		GracefulRestart: &api.GracefulRestart{Enabled: true, RestartTime: restartTime, NotificationEnabled: true},
	}
	for _, f := range families {
		peer.AfiSafis = append(peer.AfiSafis, &api.AfiSafi{
			Config:            &api.AfiSafiConfig{Family: apiutil.ToApiFamily(f.Afi(), f.Safi()), Enabled: true},
			MpGracefulRestart: &api.MpGracefulRestart{Config: &api.MpGracefulRestartConfig{Enabled: true}},
		})
	}
	return peer
}

// step makes what is said and what is installed follow what is there. A link
// that is lost is withdrawn before anything else is done.
func (r *router) step() error {
	at, err := r.look()
	if err != nil {
		return err
	}
	if err := r.tell(at); err != nil {
		return err
	}
	learned, err := r.rib()
	if err != nil {
		return err
	}
	steered, paths, refused := r.Config.steer(at, learned.Candidates, learned.Routes)
	if !slices.Equal(refused, r.said) {
		r.said = refused
		for _, why := range refused {
			r.Log.Warn("not used", "what", why)
		}
	}
	whole, err := r.install(at, steered)
	if err != nil {
		return err
	}
	for i := range paths {
		paths[i].active = paths[i].active && whole // what is not in the kernel is not active
	}
	if r.became, err = r.Config.report(paths); err != nil {
		return fmt.Errorf("encode BGP-LS: %w", err)
	}
	return r.tell(at)
}

// look is what the kernel has of the links.
func (r *router) look() (ports, error) {
	links, err := r.kernel.Links()
	if err != nil {
		return nil, err
	}
	out := make(ports, len(r.Config.Links))
	for i, l := range r.Config.Links {
		out[i].address = address(l.Interface)
		seen := links[l.Interface]
		out[i].up = seen.Up && seen.Carrier && out[i].address.IsValid()
		if before, known := r.up[l.Interface]; !known || before != out[i].up {
			r.up[l.Interface] = out[i].up
			r.Log.Info("link", "interface", l.Interface, "up", out[i].up, "address", out[i].address)
		}
	}
	return out, nil
}

// address is the /127 of an interface; invalid: there is none (yet).
func address(name string) netip.Addr {
	dev, err := net.InterfaceByName(name)
	if err != nil {
		return netip.Addr{}
	}
	list, err := dev.Addrs()
	if err != nil {
		return netip.Addr{}
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Bits() == 127 && p.Addr().Is6() {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// tell gives gobgp what has changed of what the router says of itself:
// withdrawals first.
func (r *router) tell(at ports) error {
	want, err := r.Config.linkState(at)
	if err != nil {
		return fmt.Errorf("encode BGP-LS: %w", err)
	}
	want = append(want, r.became...)
	keep := map[string]bool{}
	for _, o := range want {
		keep[o.key] = true
	}
	for key, o := range r.told {
		if keep[key] {
			continue
		}
		if err := r.bgp.DeletePath(apiutil.DeletePathRequest{Paths: []*apiutil.Path{o.path}}); err != nil {
			return fmt.Errorf("withdraw %v: %w", o.path.Nlri, err)
		}
		delete(r.told, key)
		r.Log.Info("withdrawn", "object", o.path.Nlri)
	}
	for _, o := range want {
		if before, known := r.told[o.key]; known && before.attr == o.attr {
			continue
		}
		if _, err := r.bgp.AddPath(apiutil.AddPathRequest{Paths: []*apiutil.Path{o.path}}); err != nil {
			return fmt.Errorf("announce %v: %w", o.path.Nlri, err)
		}
		r.told[o.key] = o
	}
	return nil
}

// rib reads gobgp's RIB.
func (r *router) rib() (rib.RIB, error) {
	var out rib.RIB
	var errs []error
	for _, f := range families {
		request := apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_GLOBAL, Family: f}
		errs = append(errs, r.bgp.ListPath(request, func(nlri bgp.NLRI, paths []*apiutil.Path) {
			for _, p := range paths {
				if !p.Best {
					continue
				}
				if c, ok := candidate(nlri, p.Attrs); ok {
					out.Candidates = append(out.Candidates, c)
				} else if c, ok := colored(nlri, p.Attrs); ok {
					out.Routes = append(out.Routes, c)
				}
			}
		}))
	}
	out.Sort()
	return out, errors.Join(errs...)
}

// install makes the kernel follow, in an order in which no packet is led to
// where nothing is yet: a route is replaced, never taken away first. It reports
// whether all routes are there.
func (r *router) install(at ports, steered []steering) (whole bool, err error) {
	want := r.Config.desired(at, steered)
	seen, err := r.kernel.Observe(want)
	if err != nil {
		return false, err
	}
	ops := nodecfg.Plan(seen.State, want)
	inOrder(ops)
	failed, before := map[netip.Prefix]bool{}, r.kept
	r.kept = map[string]string{}
	for _, op := range ops {
		err := r.kernel.Apply(op)
		if err == nil {
			continue
		}
		// Such as the source of encapsulation, which takes root of the machine.
		if r.kept[op.String()] = err.Error(); before[op.String()] != err.Error() {
			r.Log.Warn("kernel", "command", op.String(), "error", err)
		}
		if route, is := op.Object.(nodecfg.Route); is {
			failed[route.To] = true
		}
	}
	var now []rib.Installed
	for _, x := range steered {
		i := rib.Installed{Prefix: x.to, Segments: x.segments}
		if failed[x.to] || !x.drop && failed[host(x.segments[0])] {
			continue
		}
		if !x.drop {
			i.Interface = r.Config.Links[x.link].Interface
		}
		now = append(now, i)
		if !slices.ContainsFunc(r.installed, i.Equal) {
			r.Log.Info("steered", "to", i.Prefix, "over", i.Interface, "segments", rib.Join(i.Segments))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.installed = now
	return len(failed) == 0, nil
}

// answer is what rib.Read gets.
func (r *router) answer() (rib.RIB, error) {
	out, err := r.rib()
	r.mu.Lock()
	defer r.mu.Unlock()
	out.Installed = r.installed
	return out, err
}
