package demo

import (
	"context"
	"fmt"
	"time"
)

// Intents of sealedFile, and traffic of theirs.
var sealed = []struct {
	intent string
	traffic
}{
	{"tyo-osa-sealed", traffic{"10.1.4.1", "10.2.4.1"}},
}

// encrypt declares intents whose packets ride in lanes, and changes their keys
// under traffic.
func (d *demo) encrypt(ctx context.Context) error {
	d.act("Packets that nobody on the way can read")
	d.say("%s asks for encryption: keys that no quantum computer breaks. Every path gets a WireGuard "+
		"tunnel of its own, a lane. The agents at its ends agree on its keys among themselves; the controller never has one.", sealedFile)
	if err := d.keiro(ctx, 0, "apply", "-f", d.example(sealedFile)); err != nil {
		return err
	}
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	if err := d.keiro(ctx, 0, "get", "lanes"); err != nil {
		return err
	}
	for _, s := range sealed {
		d.printf("\n")
		d.say("New keys for %s, while %d packets per second go through:", s.intent, rate)
		result, err := d.streamed(ctx, s.traffic, time.Second, func() error { return d.keiro(ctx, 0, "rotate", s.intent) })
		if err != nil {
			return err
		}
		d.rows([2]string{"packets", fmt.Sprintf("%d sent meanwhile, %d lost", result.Sent, result.Lost)})
		if result.Lost > 0 {
			return fmt.Errorf("%d packets of %s lost while its keys changed, where none should be", result.Lost, s.intent)
		}
		d.told.sent += result.Sent
	}
	d.printf("\n")
	return d.keiro(ctx, 0, "trace", sealed[0].intent)
}
