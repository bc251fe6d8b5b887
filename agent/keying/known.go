package keying

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/rotate"
)

const (
	// maxKnown bounds what is kept of a peer's past: the first identity and the
	// last ones.
	maxKnown = 16
	// changeFires is how long a change is an alarm. It stays in the file.
	changeFires = 24 * time.Hour
	// shown is how many hex digits of a fingerprint a message shows.
	shown = 16
)

// known is an identity that a peer had. The controller is the authority that
// binds identities to names. So what a peer was before is kept here, where no
// controller gets: a false identity for a while leaves its trace.
type known struct {
	Identity string    `json:"identity"` // hybrid.Fingerprint, hex
	Since    time.Time `json:"since"`    // when this node first heard of it
}

// learn adds an identity to those before; is says that there is something to
// write. The first one is learned: what else could it be compared with?
func learn(before []known, is hybrid.Fingerprint, now time.Time) (all []known, learned bool) {
	if n := len(before); n > 0 && before[n-1].Identity == is.String() {
		return before, false
	}
	all = append(slices.Clone(before), known{is.String(), now.UTC().Round(0)})
	if len(all) > maxKnown {
		all = slices.Delete(all, 1, 1+len(all)-maxKnown)
	}
	return all, true
}

// changed is the alarm of a change, and when it is over by itself.
func changed(peer string, all []known, now time.Time) (a rotate.Alarm, until time.Time) {
	a.Name = IdentityChanged
	if len(all) < 2 {
		return a, time.Time{}
	}
	was, is := all[len(all)-2], all[len(all)-1]
	until = is.Since.Add(changeFires)
	if a.Firing = now.Before(until); !a.Firing {
		return a, time.Time{}
	}
	a.Message = fmt.Sprintf("node %s has identity %s since %s, before it had %s. If its machine was enrolled again with a new state directory, that is why. "+
		"If not, the fleet's authority has bound another identity to its name, and who has that can read what goes to the node: compare with the identity "+
		"that the agent on %s logs when it starts, and keep %s of this node's state directory as evidence",
		peer, is.Identity[:shown], is.Since.Format(time.RFC3339), was.Identity[:shown], peer, fileName(peer))
	return a, until
}

// recognize compares a peer with what is kept of it.
func (k *Keyer) recognize(p *peer, kept kept, found bool) {
	now := time.Now()
	before := p.known // of the pair that this one replaces: the disk may be behind
	if len(before) == 0 {
		before = kept.Known
	}
	all, learned := learn(before, p.Public.Fingerprint(), now)
	p.known = all
	k.remind(p, now)
	if !learned || !found { // of a new pair the machine writes soon enough
		return
	}
	kept.Known = all
	node := p.Node
	k.onDisk(p, func() func() {
		err := k.store.save(node, kept)
		return func() {
			if err != nil { // the next state has it too
				k.Log.Warn("identity of a peer not kept yet", "peer", p.Node, "error", err)
			}
		}
	})
}

// remind raises the alarm of a change, and ends it when it has been long
// enough.
func (k *Keyer) remind(p *peer, now time.Time) {
	var a rotate.Alarm
	a, p.remind = changed(p.Node, p.known, now)
	k.alarm(p, a)
}

// validate says what is wrong with identities that were read.
func validate(all []known) error {
	if len(all) > maxKnown {
		return fmt.Errorf("%d identities are more than %d", len(all), maxKnown)
	}
	for _, one := range all {
		if b, err := hex.DecodeString(one.Identity); err != nil || len(b) != len(hybrid.Fingerprint{}) {
			return errors.New("an identity is no fingerprint")
		}
	}
	return nil
}
