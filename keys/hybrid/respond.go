package hybrid

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// Response is the responder's state of one exchange.
type Response struct {
	state
	checks []Digest // by lane; of lanes without QKD unset
	keyed  []bool   // by lane: Key has derived its key
}

// Respond answers an Init that asks for an epoch after `after`, the last one
// that this end has persisted. It proves this end; the initiator has proven
// nothing yet, so no lane's key and no QKD key may be spent before Accept. It
// takes a nonce and the KEM's seed from rand.
func Respond(rand io.Reader, me *Identity, pair Pair, suite kem.Suite, after uint64, m *Init) (*Response, *Reply, error) {
	if err := pair.responder.holds(me); err != nil {
		return nil, nil, err
	}
	if err := pair.check(m.From, m.To, pair.initiator, pair.responder); err != nil {
		return nil, nil, err
	}
	scheme, err := suite.Scheme()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSuite, err)
	}
	if m.Suite != suite {
		return nil, nil, fmt.Errorf("%w: %v, this pair uses %v", ErrSuite, m.Suite, suite)
	}
	if m.Epoch <= after || m.Epoch > MaxEpoch {
		return nil, nil, fmt.Errorf("%w: %d after %d", ErrEpoch, m.Epoch, after)
	}
	if err := checkLanes(m.Lanes); err != nil {
		return nil, nil, err
	}
	r := &Response{state: state{me: me, pair: pair, head: m.Header, t: frame("exchange"), step: KindReply}}
	reply := &Reply{Header: m.Header}
	if _, err := io.ReadFull(rand, reply.Nonce[:]); err != nil {
		return nil, nil, fmt.Errorf("hybrid: no randomness: %w", err)
	}
	shared, ciphertext, err := scheme.Encapsulate(rand, m.Key)
	if errors.Is(err, kem.ErrRefuse) {
		return nil, nil, fmt.Errorf("%w: %w", ErrKEM, err)
	}
	if err != nil {
		return nil, nil, err
	}
	reply.Ciphertext = ciphertext
	r.t.addInit(m)
	r.t.addReply(reply)
	if r.key, err = newEpochKey(shared, r.t.sum(), m.Epoch, slices.Clone(m.Lanes)); err != nil {
		return nil, nil, err
	}
	r.keyed = make([]bool, len(m.Lanes))
	if reply.Signature, reply.MAC, err = r.prove(r.t, &r.key, forReply, responder); err != nil {
		return nil, nil, err
	}
	return r, reply, nil
}

// Accept verifies the Confirm and returns the lanes of the Init, which only now
// are known to be the initiator's.
func (r *Response) Accept(m *Confirm) ([]Lane, error) {
	if err := r.expects(m.Header, KindReply); err != nil {
		return nil, err
	}
	t := r.t.fork()
	t.addChecks(m.Checks)
	over := t.sum()
	if err := r.pair.initiator.Public.verify(forConfirm, over[:], m.Signature); err != nil {
		return nil, err
	}
	if err := verifyMAC(t, &r.key, initiator, m.Signature, m.MAC); err != nil {
		return nil, err
	}
	checks := make([]Digest, len(r.key.lanes))
	rest := m.Checks
	for i, l := range r.key.lanes {
		if l.KeyID == "" {
			continue
		}
		if len(rest) == 0 {
			return nil, fmt.Errorf("%w: a check is missing", ErrQKD)
		}
		checks[i], rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d checks too many", ErrQKD, len(rest))
	}
	r.t, r.checks, r.step = t, checks, KindConfirm
	return slices.Clone(r.key.lanes), nil
}

// Key derives the preshared key of a lane after Accept. A lane with a KeyID
// needs the QKD key of that name, and the one that the initiator has:
// ErrMismatch says that the KMEs gave the two ends different keys.
func (r *Response) Key(intent string, index uint32, qkd secret.Key) (secret.Key, error) {
	at, err := r.key.lane(intent, index)
	if err != nil {
		return secret.Key{}, err
	}
	if r.step != KindConfirm {
		return secret.Key{}, ErrSpent
	}
	l := r.key.lanes[at]
	psk, check, err := r.key.derive(l, qkd)
	if err != nil {
		return secret.Key{}, err
	}
	if l.KeyID != "" && !equal(check[:], r.checks[at][:]) {
		psk.Zero()
		return secret.Key{}, fmt.Errorf("%w: %s/%d, key %s", ErrMismatch, intent, index, l.KeyID)
	}
	r.keyed[at] = true
	return psk, nil
}

// Commit tells the initiator which lanes are keyed here: some of those that
// Key gave a key for. It ends the exchange, for there must not be two.
func (r *Response) Commit(lanes []Lane) (*Commit, error) {
	if r.step != KindConfirm {
		return nil, ErrSpent
	}
	m := &Commit{Header: r.head, Taken: make([]bool, len(r.key.lanes))}
	for _, l := range lanes {
		at, err := r.key.lane(l.Intent, l.Index)
		if err != nil {
			return nil, err
		}
		if !r.keyed[at] {
			return nil, fmt.Errorf("%w: %s/%d has no key yet", ErrLanes, l.Intent, l.Index)
		}
		m.Taken[at] = true
	}
	var err error
	if m.MAC, err = r.key.mac(committer, r.t.fork().add("taken", packBits(m.Taken)).sum()); err != nil {
		return nil, err
	}
	r.step = KindCommit
	return m, nil
}

// Zero erases the exchange's secret. Lane keys that were derived stay.
func (r *Response) Zero() {
	r.state.Zero()
	r.step = 0
}

// NewNudge states the responder's last epoch, 0 for none.
func NewNudge(me *Identity, pair Pair, last uint64) (*Nudge, error) {
	if err := pair.responder.holds(me); err != nil {
		return nil, err
	}
	if last > MaxEpoch {
		return nil, fmt.Errorf("%w: %d", ErrEpoch, last)
	}
	m := &Nudge{Header: Header{Epoch: last}, From: pair.responder.end(), To: pair.initiator.end()}
	over := m.digest()
	m.ID = ID(over[:])
	m.Signature = me.sign(forNudge, over[:])
	return m, nil
}

// digest is what a Nudge's signature is over. The message's name follows from
// it: a Nudge belongs to no exchange.
func (m *Nudge) digest() Digest {
	return frame("nudge").addUint("epoch", m.Epoch).addEnd(responder, m.From).addEnd(initiator, m.To).sum()
}

// Nudged verifies a Nudge at the initiator and returns the responder's last
// epoch. The next Init must ask for one after it, and after the own.
func Nudged(me *Identity, pair Pair, m *Nudge) (last uint64, err error) {
	if err := pair.initiator.holds(me); err != nil {
		return 0, err
	}
	if err := pair.check(m.From, m.To, pair.responder, pair.initiator); err != nil {
		return 0, err
	}
	over := m.digest()
	if m.ID != ID(over[:]) {
		return 0, ErrExchange
	}
	if err := pair.responder.Public.verify(forNudge, over[:], m.Signature); err != nil {
		return 0, err
	}
	return m.Epoch, nil
}
