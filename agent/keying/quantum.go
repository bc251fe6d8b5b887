package keying

import (
	"context"
	"fmt"
	"time"

	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// quantum asks the KME. The machine gives a question up after QKDWait and asks
// again; so one that has waited as long for its turn is not put, since its key
// would be spent for nothing, and of those that wait for a lane only the last
// is kept.
func (k *Keyer) quantum(p *peer, need rotate.NeedQKD) {
	if k.Quantum == nil {
		k.later = append(k.later, func() { k.step(p, rotate.QKDFailed{Lane: need.Lane}) })
		return
	}
	if k.ending {
		return
	}
	k.asks++
	number, over := k.asks, time.Now().Add(k.Params.QKDWait)
	p.asked[need.Lane] = number
	node := p.Node
	name := "QKD " + p.Node + " " + need.Lane.String()
	k.queue(name).forgetWaiting()
	k.enqueue(name, job{pool: &k.kme, work: func() func() {
		ctx, stop := context.WithDeadline(context.Background(), over)
		defer stop()
		id, err := need.ID, ctx.Err()
		var key secret.Key
		if err != nil {
			err = fmt.Errorf("not asked, there are too many questions: %w", err)
		} else if id == "" {
			id, key, err = k.Quantum.Key(ctx, node)
		} else {
			key, err = k.Quantum.KeyByID(ctx, node, id)
		}
		return func() {
			if err != nil || !key.Present() {
				k.Log.Warn("no QKD key", "peer", p.Node, "lane", need.Lane.String(), "error", err)
			}
			switch {
			case p.asked[need.Lane] != number: // the machine has asked another since, and this does not answer that
				key.Zero()
			case err == nil && key.Present():
				k.step(p, rotate.QKDKey{Lane: need.Lane, ID: id, Key: key})
			default:
				key.Zero()
				k.step(p, rotate.QKDFailed{Lane: need.Lane})
			}
		}
	}})
}
