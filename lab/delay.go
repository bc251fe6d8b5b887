package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keiro-net/keiro/lab/netns"
	"github.com/keiro-net/keiro/lab/wire"
)

// Delayed is a link that holds packets back.
type Delayed struct {
	lab   *Lab
	link  string
	relay *wire.Relay
}

// Delay holds the packets of a link back, in both directions, until Close: this
// process carries them by hand, some tens of thousands a second. In the
// lab's status the link loses all meanwhile, and if the process dies it does.
func (l *Lab) Delay(ctx context.Context, link string, by time.Duration) (*Delayed, error) {
	number := l.plan.link(link)
	if number < 0 {
		return nil, fmt.Errorf("lab %s: there is no link %q", l.name, link)
	}
	d := rundir{path: runPath(l.name)}
	ns, err := netns.Open(d.wire())
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.name, err)
	}
	defer ns.Close()
	// First the way by hand, so that a packet goes both ways rather than none.
	relay, err := wire.Delay(ns, number, by)
	if err == nil {
		if err = l.Impair(ctx, link, Impairment{Loss: 1e6}); err != nil {
			err = errors.Join(err, relay.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lab %s: delay %s: %w", l.name, link, err)
	}
	return &Delayed{lab: l, link: link, relay: relay}, nil
}

// Close lets the link carry its packets itself again.
func (d *Delayed) Close() error {
	return errors.Join(d.lab.Impair(context.Background(), d.link, Impairment{}), d.relay.Close())
}
