package rotate

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// real is Crypto by package hybrid, as the agent's shell has it.
type real struct {
	me     *hybrid.Identity
	pair   hybrid.Pair
	random io.Reader
}

func (c *real) Peek(msg []byte) (Header, error) {
	kind, h, err := hybrid.Peek(msg)
	return Header{Kind: Kind(kind), Epoch: h.Epoch, Exchange: Exchange(h.ID)}, err
}

// foreign tells the refusals apart that say who, not what.
func foreign(err error) error {
	switch hybrid.Reason(err) {
	case hybrid.ErrPeer, hybrid.ErrIdentity:
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return err
}

func decode[M hybrid.Message](msg []byte) (m M, err error) {
	any, err := hybrid.Decode(msg)
	if err != nil {
		return m, err
	}
	m, ok := any.(M)
	if !ok {
		return m, hybrid.ErrRole
	}
	return m, nil
}

func (c *real) Initiate(epoch uint64, offers []Offer) (Initiator, []byte, error) {
	var lanes []hybrid.Lane
	for _, o := range offers {
		lanes = append(lanes, hybrid.Lane{Intent: o.Lane.Intent, Index: uint32(o.Lane.Index), KeyID: o.QKD})
	}
	i, m, err := hybrid.Initiate(c.random, c.me, c.pair, kem.XWing, epoch, lanes)
	if err != nil {
		return nil, nil, err
	}
	return realInitiator{i}, hybrid.Encode(m), nil
}

func (c *real) Respond(init []byte) (Responder, []byte, error) {
	m, err := decode[*hybrid.Init](init)
	if err != nil {
		return nil, nil, err
	}
	r, reply, err := hybrid.Respond(c.random, c.me, c.pair, kem.XWing, 0, m)
	if err != nil {
		return nil, nil, foreign(err)
	}
	return &realResponder{r, nil}, hybrid.Encode(reply), nil
}

func (c *real) Nudge(epoch uint64) ([]byte, error) {
	m, err := hybrid.NewNudge(c.me, c.pair, epoch)
	if err != nil {
		return nil, err
	}
	return hybrid.Encode(m), nil
}

func (c *real) Nudged(msg []byte) (uint64, error) {
	m, err := decode[*hybrid.Nudge](msg)
	if err != nil {
		return 0, err
	}
	epoch, err := hybrid.Nudged(c.me, c.pair, m)
	return epoch, foreign(err)
}

type realInitiator struct{ i *hybrid.Initiation }

func (s realInitiator) Confirm(reply []byte, qkd []QKDKey) ([]byte, error) {
	m, err := decode[*hybrid.Reply](reply)
	if err != nil {
		return nil, err
	}
	keys := map[string]secret.Key{}
	for _, q := range qkd {
		keys[q.ID] = q.Key.(secret.Key)
	}
	confirm, err := s.i.Finish(m, keys)
	if err != nil {
		return nil, err
	}
	return hybrid.Encode(confirm), nil
}

func (s realInitiator) Committed(commit []byte) ([]Lane, error) {
	m, err := decode[*hybrid.Commit](commit)
	if err != nil {
		return nil, err
	}
	taken, err := s.i.Committed(m)
	var lanes []Lane
	for _, l := range taken {
		lanes = append(lanes, Lane{l.Intent, int(l.Index)})
	}
	return lanes, err
}

func (s realInitiator) Key(lane Lane, qkd Secret) (Secret, error) {
	return s.i.Key(lane.Intent, uint32(lane.Index), present(qkd))
}

func (s realInitiator) Erase() { s.i.Zero() }

type realResponder struct {
	r     *hybrid.Response
	lanes []hybrid.Lane
}

func (s *realResponder) Confirmed(confirm []byte) ([]Offer, error) {
	m, err := decode[*hybrid.Confirm](confirm)
	if err != nil {
		return nil, err
	}
	lanes, err := s.r.Accept(m)
	if err != nil {
		return nil, err
	}
	s.lanes = lanes
	var offers []Offer
	for _, l := range lanes {
		offers = append(offers, Offer{Lane{l.Intent, int(l.Index)}, l.KeyID})
	}
	return offers, nil
}

func (s *realResponder) Commit(lanes []Lane) ([]byte, error) {
	var keyed []hybrid.Lane
	for _, l := range s.lanes {
		for _, want := range lanes {
			if want == (Lane{l.Intent, int(l.Index)}) {
				keyed = append(keyed, l)
			}
		}
	}
	m, err := s.r.Commit(keyed)
	if err != nil {
		return nil, err
	}
	return hybrid.Encode(m), nil
}

func (s *realResponder) Key(lane Lane, qkd Secret) (Secret, error) {
	return s.r.Key(lane.Intent, uint32(lane.Index), present(qkd))
}

func (s *realResponder) Erase() { s.r.Zero() }

func present(k Secret) secret.Key {
	if k == nil {
		return secret.Key{}
	}
	return k.(secret.Key)
}

func realPair(t testing.TB, seed byte) (initiator, responder *real) {
	t.Helper()
	var ids [2]*hybrid.Identity
	for i := range ids {
		id, err := hybrid.Generate(rand.NewChaCha8([32]byte{seed, byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
	}
	pair, err := hybrid.NewPair(hybrid.Party{Node: "aki", Public: ids[0].Public()}, hybrid.Party{Node: "bea", Public: ids[1].Public()})
	if err != nil {
		t.Fatal(err)
	}
	return &real{ids[0], pair, rand.NewChaCha8([32]byte{seed, 8})}, &real{ids[1], pair, rand.NewChaCha8([32]byte{seed, 9})}
}

// TestOverHybrid runs the machine over the real crypto: both ends get the same
// keys, each once, and the old ones are overwritten.
func TestOverHybrid(t *testing.T) {
	a, b := realPair(t, 1)
	d := newDuo(modelParams(), 3, a, b)
	store := map[string]secret.Key{} // a KME's keys, one at each end
	d.kme = func(id string) (string, Secret) {
		if id == "" {
			id = fmt.Sprintf("key-%d", len(store))
			k, _ := secret.Random(rand.NewChaCha8([32]byte{byte(len(store)), 77}))
			store[id] = k
		}
		k, _ := secret.New(store[id].Bytes())
		return id, k
	}
	vault := Lane{"vault", 0}
	for i := range d.m {
		specs := []LaneSpec{{Lane: vault, Level: QKD}}
		for n := range 3 {
			specs = append(specs, LaneSpec{Lane: testLane(2 * n), Level: PQ})
		}
		d.step(i, Configured{specs})
	}
	random, lost := rand.New(rand.NewPCG(1, 1)), 0
	d.lose = func([]byte) bool {
		if random.IntN(4) > 0 {
			return false
		}
		lost++
		return true
	}
	seen := map[string]string{} // where a key was
	for range 12 {
		d.rotate()
		for n := 0; n < 100 && (d.m[0].try != nil || d.m[0].Epoch() != d.m[1].Epoch()); n++ {
			d.now = d.now.Add(500 * time.Millisecond)
			d.step(0, Tick{})
			d.step(1, Tick{})
			d.settle()
		}
		for lane, k := range d.psk[0] {
			mine, theirs := k.(secret.Key), d.psk[1][lane].(secret.Key)
			if !mine.Equal(theirs) {
				t.Fatalf("epoch %d: lane %s: two keys", d.m[0].Epoch(), lane)
			}
			where := fmt.Sprint(lane, d.m[0].lane(lane).current.epoch)
			if was, used := seen[string(mine.Bytes())]; used && was != where {
				t.Fatalf("one key for %s and %s", was, where)
			}
			seen[string(mine.Bytes())] = where
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d keys", len(seen))
	}
	if l := d.m[0].lane(vault); l.current.level != QKD || l.current.epoch < 5 {
		t.Errorf("vault has a %s key of epoch %d", l.current.level, l.current.epoch)
	}
	if len(d.erased) < 40 || lost < 5 {
		t.Errorf("only %d keys erased, %d messages lost", len(d.erased), lost)
	}
	for _, k := range d.erased {
		if k.(secret.Key).Present() {
			t.Fatal("an erased key is still there")
		}
	}
	t.Logf("epoch %d, %d messages lost, %d keys erased, initiator %+v", d.m[0].Epoch(), lost, len(d.erased), d.m[0].Counts())
}

// TestForeignHybrid: messages of another pair and forged ones, over the real
// crypto, are counted and move nothing.
func TestForeignHybrid(t *testing.T) {
	a, b := realPair(t, 1)
	d := newDuo(modelParams(), 1, a, b)
	d.settle()
	otherA, otherB := realPair(t, 2)
	_, init, err := otherA.Initiate(9, []Offer{{Lane: testLane(0)}})
	nudge, err2 := otherB.Nudge(9)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	d.step(1, Message{init})
	d.step(0, Message{nudge})
	genuine, err := b.Nudge(9)
	if err != nil {
		t.Fatal(err)
	}
	genuine[len(genuine)-1] ^= 1
	d.step(0, Message{genuine})
	d.settle()
	if c := d.m[1].Counts(); c.Foreign != 1 {
		t.Errorf("responder %+v", c)
	}
	if c := d.m[0].Counts(); c.Foreign != 1 || c.Forged != 1 {
		t.Errorf("initiator %+v", c)
	}
	if d.m[0].Epoch() != 1 || d.m[1].Epoch() != 1 {
		t.Error("an epoch has moved")
	}
}
