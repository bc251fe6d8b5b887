package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/lab/stream"
)

// sealed are the encrypted intents, with traffic of theirs.
var sealed = []struct {
	intent string
	traffic
}{
	{"tyo-osa-sealed", traffic{"10.1.4.1", "10.2.4.1"}},
	{"tyo-osa-quantum", traffic{"10.1.3.1", "10.2.3.1"}},
}

// encrypt declares intents whose packets ride in lanes, and changes their keys
// under traffic.
func (d *demo) encrypt(ctx context.Context) error {
	d.act("Packets that nobody on the way can read")
	if err := tunnels(); err != nil {
		d.say("Left out: %v. Lanes in user space need it; root has it, or `chmod 666 /dev/net/tun`.", err)
		return nil
	}
	d.say("Two intents more. %s: keys that no quantum computer is known to break. %s: with these, in each key a fresh one "+
		"of the QKD systems that run on the links. Every path gets a WireGuard tunnel of its own, a lane. The agents at its ends agree "+
		"on the keys among themselves; the controller never has one.", sealedFile, quantumFile)
	if err := d.keiro(ctx, 0, "apply", "-f", d.example(sealedFile), "-f", d.example(quantumFile)); err != nil {
		return err
	}
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	if err := d.keiro(ctx, 0, "get", "lanes"); err != nil {
		return err
	}
	d.printf("\n")
	d.say("New keys while %d packets per second go through the lanes of each. Two agents renew the keys of all lanes between them at once:", rate)
	if err := d.rotate(ctx); err != nil {
		return err
	}
	if err := d.keiro(ctx, 0, "trace", sealed[1].intent); err != nil {
		return err
	}
	d.printf("\n")
	d.say("Who else has seen the QKD keys: they pass through nodes that must be trusted.")
	return d.keiro(ctx, 0, "explain", sealed[1].intent)
}

// rotate changes the keys of all lanes while packets of both intents flow, of
// which none may be lost.
func (d *demo) rotate(ctx context.Context) error {
	var rows [][2]string
	var inside func(n int) error
	inside = func(n int) error {
		if n == len(sealed) {
			return d.keiro(ctx, 0, "rotate", "--used", sealed[0].intent)
		}
		result, err := d.streamed(ctx, sealed[n].traffic, time.Second, func() error { return inside(n + 1) })
		if err != nil {
			return err
		}
		rows = append(rows, [2]string{sealed[n].intent, fmt.Sprintf("%d packets sent meanwhile, %d lost", result.Sent, result.Lost)})
		return d.count(sealed[n].intent, result)
	}
	if err := inside(0); err != nil {
		return err
	}
	slices.Reverse(rows)
	d.rows(rows...)
	d.printf("\n")
	return nil
}

func (d *demo) count(intent string, r *stream.Result) error {
	d.told.sent += r.Sent
	d.told.lost += r.Lost
	if r.Lost > 0 {
		return fmt.Errorf("%d packets of %s lost while its keys changed, where none should be", r.Lost, intent)
	}
	return nil
}

// tunnels reports why there can be no lane in user space.
func tunnels() error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err == nil {
		return f.Close()
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s cannot be opened: %s", path.Path, strings.ToLower(path.Err.Error()))
	}
	return err
}
