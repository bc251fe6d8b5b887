package controller

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/controller/routers"
	"github.com/keiro-net/keiro/topology"
)

// speakers are the BGP sessions, or none.
type speakers struct{ *routers.Routers }

// ranFile of the controller's directory keeps when it last ran, for its peers.
const ranFile = "bgp-ran.json"

// speak makes the speaker of a BGP file; nil: there is none.
func (b *backend) speak(ctx context.Context, o Options, f *file.File) error {
	b.routers = &speakers{}
	b.loop.announce = func(core.Effect) []core.Event { return nil }
	if f == nil {
		return nil
	}
	r, err := routers.New(ctx, routers.Config{
		File: f, Log: o.Log, Feed: b.loop.feedAll, Ran: filepath.Join(o.Dir, ranFile),
		Topology: func() *topology.Topology { d, _ := b.now(); return d.Topology },
	})
	if err != nil {
		return fmt.Errorf("BGP file %s: %w", o.BGP, err)
	}
	b.routers.Routers = r
	b.loop.announce = func(effect core.Effect) (news []core.Event) {
		var err error
		switch e := effect.(type) {
		case core.Announce:
			if err = r.Announce(e); err != nil {
				var untold *routers.UntoldError
				if errors.As(err, &untold) {
					news = append(news, untold.NotTold)
				}
			}
		case core.Withdraw:
			err = r.Withdraw(e)
		case core.AnnouncedAll:
			err = r.AnnouncedAll()
		}
		if err != nil {
			o.Log.Error("a headend is not told what it is to do", "error", err)
		}
		return news
	}
	return nil
}

// Run holds the sessions until ctx ends.
func (s *speakers) Run(ctx context.Context) error {
	if s.Routers == nil {
		return nil
	}
	return s.Routers.Run(ctx)
}

// Close ends the sessions.
func (s *speakers) Close() {
	if s.Routers != nil {
		s.Routers.Close()
	}
}

// join is a declared topology with what is learned now. What is not in service by
// that is added to an outage, if there is one.
func (s *speakers) join(t *topology.Topology, out *topology.Outage) *topology.Topology {
	if s == nil || s.Routers == nil || t == nil {
		return t
	}
	v := s.View()
	if v == nil {
		return t
	}
	joined := live.Join(t, v)
	if out != nil {
		for e := range joined.Links {
			if up, said := core.Heard(joined, e); said && !up {
				out.Entries[joined.Links[e].Name] = true
			}
		}
	}
	return joined.Topology
}
