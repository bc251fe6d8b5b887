package hybrid

import (
	"fmt"
	"io"
	"slices"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// Initiation is the initiator's state of one exchange.
type Initiation struct {
	state
	open  kem.Opener
	taken []bool
}

// Initiate begins the exchange for an epoch. It takes the exchange's name, the
// nonce and the KEM's seed from rand.
func Initiate(rand io.Reader, me *Identity, pair Pair, suite kem.Suite, epoch uint64, lanes []Lane) (*Initiation, *Init, error) {
	scheme, err := suite.Scheme()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSuite, err)
	}
	if err := pair.initiator.holds(me); err != nil {
		return nil, nil, err
	}
	if epoch == 0 || epoch > MaxEpoch {
		return nil, nil, fmt.Errorf("%w: %d", ErrEpoch, epoch)
	}
	m := &Init{Suite: suite, From: pair.initiator.end(), To: pair.responder.end(), Lanes: slices.Clone(lanes)}
	slices.SortFunc(m.Lanes, compareLanes)
	if err := checkLanes(m.Lanes); err != nil {
		return nil, nil, err
	}
	m.Epoch = epoch
	for _, b := range [][]byte{m.ID[:], m.Nonce[:]} {
		if _, err := io.ReadFull(rand, b); err != nil {
			return nil, nil, fmt.Errorf("hybrid: no randomness: %w", err)
		}
	}
	i := &Initiation{state: state{me: me, pair: pair, t: frame("exchange"), step: KindInit}}
	if i.open, m.Key, err = scheme.NewKey(rand); err != nil {
		return nil, nil, err
	}
	i.head = m.Header
	i.t.addInit(m)
	i.key.lanes = m.Lanes
	i.key.epoch = epoch
	return i, m, nil
}

// Finish verifies the Reply and proves this end. qkd has the QKD keys of the
// lanes by their KeyID; once the Confirm was sent they are spent.
func (i *Initiation) Finish(m *Reply, qkd map[string]secret.Key) (*Confirm, error) {
	if err := i.expects(m.Header, KindInit); err != nil {
		return nil, err
	}
	t := i.t.fork()
	t.addReply(m)
	salt := t.sum()
	if err := i.pair.responder.Public.verify(forReply, salt[:], m.Signature); err != nil {
		return nil, err
	}
	shared, err := i.open(m.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEM, err)
	}
	key, err := newEpochKey(shared, salt, i.head.Epoch, i.key.lanes)
	if err != nil {
		return nil, err
	}
	c, err := i.confirm(t, &key, m, qkd)
	if err != nil {
		key.key.Zero()
		return nil, err
	}
	i.t, i.key, i.step, i.open = t, key, KindConfirm, nil
	return c, nil
}

func (i *Initiation) confirm(t *transcript, key *epochKey, m *Reply, qkd map[string]secret.Key) (*Confirm, error) {
	if err := verifyMAC(t, key, responder, m.Signature, m.MAC); err != nil {
		return nil, err
	}
	c := &Confirm{Header: i.head}
	var err error
	if c.Checks, err = key.checks(qkd); err != nil {
		return nil, err
	}
	t.addChecks(c.Checks)
	c.Signature, c.MAC, err = i.prove(t, key, forConfirm, initiator)
	return c, err
}

// Committed verifies the Commit and returns the lanes that the responder has
// keyed: only those may be keyed here.
func (i *Initiation) Committed(m *Commit) ([]Lane, error) {
	if err := i.expects(m.Header, KindConfirm); err != nil {
		return nil, err
	}
	want, err := i.key.mac(committer, i.t.fork().add("taken", packBits(m.Taken)).sum())
	if err != nil {
		return nil, err
	}
	if !equal(want[:], m.MAC[:]) {
		return nil, ErrMAC
	}
	if len(m.Taken) != len(i.key.lanes) {
		return nil, fmt.Errorf("%w: %d answers for %d", ErrLanes, len(m.Taken), len(i.key.lanes))
	}
	i.step, i.taken = KindCommit, m.Taken
	var lanes []Lane
	for n, taken := range m.Taken {
		if taken {
			lanes = append(lanes, i.key.lanes[n])
		}
	}
	return lanes, nil
}

// Key derives the preshared key of a lane that the Commit names, with the QKD
// key that Finish was given for it.
func (i *Initiation) Key(intent string, index uint32, qkd secret.Key) (secret.Key, error) {
	at, err := i.key.lane(intent, index)
	if err != nil {
		return secret.Key{}, err
	}
	if i.step != KindCommit || !i.taken[at] {
		return secret.Key{}, fmt.Errorf("%w: %s/%d is not committed", ErrLanes, intent, index)
	}
	psk, _, err := i.key.derive(i.key.lanes[at], qkd)
	return psk, err
}

// Zero erases the exchange's secrets. Lane keys that were derived stay.
func (i *Initiation) Zero() {
	i.state.Zero()
	i.open = nil
	i.step = 0
}
