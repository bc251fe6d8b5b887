package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/lab/world"
)

// rate of the stream, in packets per second, and how many of them are to
// arrive before and after something happens.
const (
	rate  = 1000
	quiet = 400
)

// cut sends packets, cuts the duct and shows what became of them, of the
// paths, and who was told.
func (d *demo) cut(ctx context.Context) error {
	d.act("A duct is cut")
	if err := d.showDuct(ctx); err != nil {
		return err
	}
	target, err := d.world.Lab.Target(duct)
	if err != nil {
		return err
	}
	var cutAt time.Time
	var told received
	result, err := d.streamed(ctx, gold, 200*time.Millisecond, func() error {
		d.command("keiro lab cut %s %s", d.example(labFile), duct)
		cutAt = time.Now()
		if _, err := d.world.Lab.Cut(ctx, target); err != nil {
			return err
		}
		// Where the machine is so busy that its links are seen to fail one
		// after the other, each of them is a cause.
		told, err = d.hook.await(ctx, "that "+protected+" is hit", func(a resource.Alert) bool {
			return a.Status == resource.Firing && slices.Contains(a.IntentsHit, protected)
		})
		return err
	})
	if err != nil {
		return err
	}
	d.told.lost, d.told.sent = result.Lost, result.Sent
	d.told.outage, d.told.alert = longest(result), told.at.Sub(cutAt)
	d.rows(
		[2]string{"packets", fmt.Sprintf("%d sent at %d per second, %d lost", result.Sent, rate, result.Lost)},
		[2]string{"repaired", fmt.Sprintf("%.1f ms from the last packet before the cut to the first after it", millis(d.told.outage))},
	)
	d.printf("\n")
	d.say("The second path stood ready in the kernel of %s, which took it. An alert came to a webhook receiver here; its signature is good:", head)
	d.rows(slices.Concat(
		[][2]string{{"alert", fmt.Sprintf("%s, %s", told.Name, told.Severity)}, {"cause", told.Cause.Object}},
		lines("before", told.Before), lines("after", told.After),
		[][2]string{
			{"intents hit", strings.Join(told.IntentsHit, ", ")},
			{"detected", fmt.Sprintf("%.1f ms after the cut", millis(told.DetectedAt.Sub(cutAt)))},
			{"received", fmt.Sprintf("%.1f ms after the cut", millis(d.told.alert))},
		},
	)...)
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	d.printf("\n")
	return d.keiro(ctx, 0, "get", "intents")
}

// longest is the longest outage of a stream.
func longest(result *stream.Result) time.Duration {
	var most int64
	for _, o := range result.Outages {
		most = max(most, o.Length)
	}
	return time.Duration(most) * time.Microsecond
}

// showDuct says what the duct carries, which must be the path that packets
// take now.
func (d *demo) showDuct(ctx context.Context) error {
	links, err := d.world.Client.Links(ctx)
	if err != nil {
		return err
	}
	intents, err := d.world.Client.Intents(ctx)
	if err != nil {
		return err
	}
	d.say("%s holds two links, and both are in use:", duct)
	var rows [][2]string
	hit := false
	for _, l := range links {
		if !slices.Contains(l.SRLGs, strings.TrimPrefix(duct, "srlg:")) {
			continue
		}
		var users []string
		for _, i := range intents {
			if slices.ContainsFunc(i.Status.Paths, func(p resource.PathStatus) bool { return p.Active && slices.Contains(p.Links, l.Name) }) {
				users = append(users, i.Metadata.Name)
			}
		}
		hit = hit || slices.Contains(users, protected)
		if len(users) == 0 {
			return fmt.Errorf("no intent uses link %s of %s", l.Name, duct)
		}
		rows = append(rows, [2]string{l.Name, strings.Join(users, ", ")})
	}
	d.rows(rows...)
	if len(rows) != 2 || !hit {
		return fmt.Errorf("%s does not hold two links, one of them on the active path of %s", duct, protected)
	}
	d.printf("\n")
	d.say("%d packets per second go from %s (Tokyo) to %s (Osaka).", rate, gold.from, gold.to)
	return nil
}

// restore takes the cut back and waits until the paths have returned.
func (d *demo) restore(ctx context.Context) error {
	d.act("The duct is whole again")
	var told received
	result, err := d.streamed(ctx, gold, time.Second, func() (err error) {
		start := time.Now()
		if err := d.keiro(ctx, 0, "lab", "restore", d.example(labFile), duct); err != nil {
			return err
		}
		if err := d.returned(ctx); err != nil {
			return err
		}
		d.say("All paths are back after %.1f s (links must have been up for %v, in the demo; 5 s is the default).", time.Since(start).Seconds(), waitToRestore)
		told, err = d.hook.await(ctx, "that it is over", func(a resource.Alert) bool {
			return a.Status == resource.Resolved && slices.Contains(a.IntentsHit, protected)
		})
		return err
	})
	if err != nil {
		return err
	}
	d.rows(slices.Concat(
		[][2]string{
			{"packets", fmt.Sprintf("%d sent meanwhile, %d lost", result.Sent, result.Lost)},
			{"alert", fmt.Sprintf("%s, %s", told.Name, told.Status)},
		}, lines("now", told.After),
	)...)
	d.told.lost += result.Lost
	d.told.sent += result.Sent
	if result.Lost > 0 {
		return fmt.Errorf("%d packets lost on the way back, where none should be", result.Lost)
	}
	return nil
}

// returned waits until the protected intent has the paths again that the
// whole network gives it.
func (d *demo) returned(ctx context.Context) error {
	err := world.Wait(ctx, "the paths to return", func() error {
		i, err := d.world.Client.Intent(ctx, protected)
		if err != nil {
			return err
		}
		for _, p := range i.Status.Paths {
			if p.State != nodecfg.Up || !p.Installed {
				return fmt.Errorf("path %s of %s is %s (%s), installed is %t", p.Name, p.Headend, p.State, p.Cause, p.Installed)
			}
			if a := i.Status.Answer; p.Active && len(a.Paths) > 0 && slices.Equal(p.Links, a.Paths[0].Links) {
				return nil
			}
		}
		return errors.New("packets do not take the best path yet")
	})
	if err != nil {
		return err
	}
	return d.world.Settled(ctx)
}

// lines are rows of a text that says one thing per intent.
func lines(name, text string) [][2]string {
	var rows [][2]string
	for part := range strings.SplitSeq(text, "; ") {
		rows = append(rows, [2]string{name, part})
		name = ""
	}
	return rows
}

// traffic is packets between two addresses behind head and tail.
type traffic struct{ from, to string }

// gold is traffic of the protected intent.
var gold = traffic{"10.1.0.1", "10.2.0.1"}

// streamed does something while packets flow. Late is when a packet is of no
// use any more.
func (d *demo) streamed(ctx context.Context, of traffic, late time.Duration, work func() error) (*stream.Result, error) {
	return d.streamedFrom(ctx, head, tail, of, late, work)
}

// streamedFrom is streamed between other nodes.
func (d *demo) streamedFrom(ctx context.Context, head, tail string, of traffic, late time.Duration, work func() error) (*stream.Result, error) {
	s, err := d.world.Stream(head, tail, stream.Config{
		From: netip.MustParseAddr(of.from), To: netip.MustParseAddr(of.to), Rate: rate, Deadline: late,
	})
	if err != nil {
		return nil, err
	}
	flow := func() error {
		goal := s.Received() + quiet
		return world.Wait(ctx, "packets to arrive", func() error {
			if n := s.Received(); n < goal {
				return fmt.Errorf("%d of %d packets arrived", n, s.Sent())
			}
			return nil
		})
	}
	err = flow()
	if err == nil {
		err = work()
	}
	if err == nil {
		err = flow()
	}
	return s.Stop(), err
}
