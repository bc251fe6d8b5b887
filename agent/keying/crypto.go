package keying

import (
	"crypto/rand"
	"fmt"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// crypto is rotate.Crypto by package hybrid. Whatever it refuses is counted.
type crypto struct {
	me     *hybrid.Identity
	pair   hybrid.Pair
	suite  kem.Suite
	refuse func(error)
}

// refused counts an error, and tells a refusal that says who from one that
// says what.
func (c *crypto) refused(err error) error {
	c.refuse(err)
	switch hybrid.Reason(err) {
	case hybrid.ErrPeer, hybrid.ErrIdentity:
		return fmt.Errorf("%w: %w", rotate.ErrForeign, err)
	}
	return err
}

func decode[M hybrid.Message](msg []byte) (m M, err error) {
	whichever, err := hybrid.Decode(msg)
	if err != nil {
		return m, err
	}
	m, ok := whichever.(M)
	if !ok {
		return m, hybrid.ErrRole
	}
	return m, nil
}

// Peek is of rotate.Crypto, as are the methods below.
func (c *crypto) Peek(msg []byte) (rotate.Header, error) {
	kind, h, err := hybrid.Peek(msg)
	if err != nil {
		return rotate.Header{}, c.refused(err)
	}
	return rotate.Header{Kind: rotate.Kind(kind), Epoch: h.Epoch, Exchange: rotate.Exchange(h.ID)}, nil
}

func (c *crypto) Initiate(epoch uint64, offers []rotate.Offer) (rotate.Initiator, []byte, error) {
	lanes := make([]hybrid.Lane, 0, len(offers))
	for _, o := range offers {
		lanes = append(lanes, hybrid.Lane{Intent: o.Lane.Intent, Index: uint32(o.Lane.Index), KeyID: o.QKD})
	}
	i, m, err := hybrid.Initiate(rand.Reader, c.me, c.pair, c.suite, epoch, lanes)
	if err != nil {
		return nil, nil, c.refused(err)
	}
	return &initiator{c, i}, hybrid.Encode(m), nil
}

func (c *crypto) Respond(init []byte) (rotate.Responder, []byte, error) {
	m, err := decode[*hybrid.Init](init)
	if err != nil {
		return nil, nil, c.refused(err)
	}
	// The machine has checked the epoch: it knows more of it than one number.
	r, reply, err := hybrid.Respond(rand.Reader, c.me, c.pair, c.suite, 0, m)
	if err != nil {
		return nil, nil, c.refused(err)
	}
	return &responder{c, r, nil}, hybrid.Encode(reply), nil
}

func (c *crypto) Nudge(epoch uint64) ([]byte, error) {
	m, err := hybrid.NewNudge(c.me, c.pair, epoch)
	if err != nil {
		return nil, c.refused(err)
	}
	return hybrid.Encode(m), nil
}

func (c *crypto) Nudged(msg []byte) (uint64, error) {
	m, err := decode[*hybrid.Nudge](msg)
	if err != nil {
		return 0, c.refused(err)
	}
	epoch, err := hybrid.Nudged(c.me, c.pair, m)
	if err != nil {
		return 0, c.refused(err)
	}
	return epoch, nil
}

type initiator struct {
	c *crypto
	i *hybrid.Initiation
}

func (s *initiator) Confirm(reply []byte, qkd []rotate.QKDKey) ([]byte, error) {
	m, err := decode[*hybrid.Reply](reply)
	if err != nil {
		return nil, s.c.refused(err)
	}
	keys := make(map[string]secret.Key, len(qkd))
	for _, q := range qkd {
		keys[q.ID] = present(q.Key)
	}
	confirm, err := s.i.Finish(m, keys)
	if err != nil {
		return nil, s.c.refused(err)
	}
	return hybrid.Encode(confirm), nil
}

func (s *initiator) Committed(commit []byte) ([]rotate.Lane, error) {
	m, err := decode[*hybrid.Commit](commit)
	if err != nil {
		return nil, s.c.refused(err)
	}
	taken, err := s.i.Committed(m)
	if err != nil {
		return nil, s.c.refused(err)
	}
	lanes := make([]rotate.Lane, 0, len(taken))
	for _, l := range taken {
		lanes = append(lanes, ours(l))
	}
	return lanes, nil
}

func (s *initiator) Key(lane rotate.Lane, qkd rotate.Secret) (rotate.Secret, error) {
	return s.c.derived(s.i.Key(lane.Intent, uint32(lane.Index), present(qkd)))
}

func (s *initiator) Erase() { s.i.Zero() }

type responder struct {
	c     *crypto
	r     *hybrid.Response
	lanes []hybrid.Lane // of the Init, once the Confirm proves it
}

func (s *responder) Confirmed(confirm []byte) ([]rotate.Offer, error) {
	m, err := decode[*hybrid.Confirm](confirm)
	if err != nil {
		return nil, s.c.refused(err)
	}
	if s.lanes, err = s.r.Accept(m); err != nil {
		return nil, s.c.refused(err)
	}
	offers := make([]rotate.Offer, 0, len(s.lanes))
	for _, l := range s.lanes {
		offers = append(offers, rotate.Offer{Lane: ours(l), QKD: l.KeyID})
	}
	return offers, nil
}

func (s *responder) Commit(lanes []rotate.Lane) ([]byte, error) {
	wanted := make(map[rotate.Lane]bool, len(lanes))
	for _, l := range lanes {
		wanted[l] = true
	}
	var keyed []hybrid.Lane
	for _, l := range s.lanes {
		if wanted[ours(l)] {
			keyed = append(keyed, l)
		}
	}
	m, err := s.r.Commit(keyed)
	if err != nil {
		return nil, s.c.refused(err)
	}
	return hybrid.Encode(m), nil
}

func (s *responder) Key(lane rotate.Lane, qkd rotate.Secret) (rotate.Secret, error) {
	return s.c.derived(s.r.Key(lane.Intent, uint32(lane.Index), present(qkd)))
}

func (s *responder) Erase() { s.r.Zero() }

// derived keeps a key that is none from becoming a Secret that looks like one.
func (c *crypto) derived(k secret.Key, err error) (rotate.Secret, error) {
	if err != nil {
		return nil, c.refused(err)
	}
	return k, nil
}

func ours(l hybrid.Lane) rotate.Lane { return rotate.Lane{Intent: l.Intent, Index: int(l.Index)} }

func present(k rotate.Secret) secret.Key {
	key, _ := k.(secret.Key) // nil is no key
	return key
}
