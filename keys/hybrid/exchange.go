package hybrid

import "fmt"

// What signatures are for.
const (
	forReply   = "reply"
	forConfirm = "confirm"
	forNudge   = "nudge"
)

// Who makes a MAC.
const (
	responder = "responder"
	initiator = "initiator"
	committer = "commit"
)

// Party is a node and the identity that its certificate binds, see ReadBinding.
type Party struct {
	Node   string
	Public *Public
}

func (p Party) end() End { return End{p.Node, p.Public.Fingerprint()} }

// Pair is two nodes as both know them beforehand. Who initiates is settled by
// the names, so two exchanges of one pair never cross.
type Pair struct{ initiator, responder Party }

// NewPair orders the two by name: the smaller initiates.
func NewPair(a, b Party) (Pair, error) {
	for _, p := range []Party{a, b} {
		if p.Public == nil || !isText(p.Node, 1, MaxName) {
			return Pair{}, fmt.Errorf("%w: node %q", ErrPeer, p.Node)
		}
	}
	if a.Node == b.Node || a.Public.Fingerprint() == b.Public.Fingerprint() {
		return Pair{}, fmt.Errorf("%w: %q and %q are one", ErrPeer, a.Node, b.Node)
	}
	if a.Node > b.Node {
		a, b = b, a
	}
	return Pair{a, b}, nil
}

// Initiates reports whether the node is the initiator of the pair.
func (p Pair) Initiates(node string) bool { return p.initiator.Node == node }

// check refuses ends that are not those of the pair in these roles.
func (p Pair) check(from, to End, wantFrom, wantTo Party) error {
	switch {
	case from.Node == wantTo.Node && to.Node == wantFrom.Node:
		return ErrRole
	case from.Node != wantFrom.Node || to.Node != wantTo.Node:
		return fmt.Errorf("%w: from %q to %q", ErrPeer, from.Node, to.Node)
	case from.Identity != wantFrom.Public.Fingerprint() || to.Identity != wantTo.Public.Fingerprint():
		return fmt.Errorf("%w: %v to %v", ErrIdentity, from.Identity, to.Identity)
	}
	return nil
}

// holds refuses an identity that is not the one of its role.
func (p Party) holds(me *Identity) error {
	if me.Public().Fingerprint() != p.Public.Fingerprint() {
		return fmt.Errorf("%w: %v does not speak for node %q", ErrRole, me.Public(), p.Node)
	}
	return nil
}

// state is what either end keeps of an exchange. A method that fails leaves it
// as it was.
type state struct {
	me   *Identity
	pair Pair
	head Header
	t    *transcript
	key  epochKey // from the ciphertext on
	step Kind     // the last message made or accepted
}

func (s *state) expects(h Header, after Kind) error {
	switch {
	case h.ID != s.head.ID:
		return ErrExchange
	case h.Epoch != s.head.Epoch:
		return fmt.Errorf("%w: %d, the exchange is for %d", ErrEpoch, h.Epoch, s.head.Epoch)
	case s.step != after:
		return ErrSpent
	}
	return nil
}

// prove signs the transcript and MACs it with the signature.
func (s *state) prove(t *transcript, key *epochKey, purpose, role string) (signature []byte, m Digest, err error) {
	over := t.sum()
	signature = s.me.sign(purpose, over[:])
	m, err = key.mac(role, t.add(role+" signature", signature).sum())
	t.add(role+" MAC", m[:])
	return signature, m, err
}

// verifyMAC is the other half of prove, after the signature was verified.
func verifyMAC(t *transcript, key *epochKey, role string, signature []byte, got Digest) error {
	want, err := key.mac(role, t.add(role+" signature", signature).sum())
	if err != nil {
		return err
	}
	if !equal(want[:], got[:]) {
		return ErrMAC
	}
	t.add(role+" MAC", got[:])
	return nil
}

// Zero erases the exchange's secret. Lane keys that were derived stay.
func (s *state) Zero() { s.key.key.Zero() }
