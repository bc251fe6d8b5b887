package rotate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// fakeCrypto is instant and keeps no secret: a key says what it was made of.
// What is real is who can make which message: to make or verify a Confirm or
// a Commit one must have taken part in the exchange.
type fakeCrypto struct {
	initiator bool
	pair      byte
}

// fresh makes every nonce and QKD key different. It never matters by how much.
var fresh uint32

func nonce() uint32 { fresh++; return fresh }

// fakeKey is a lane's key, or with only qkd a QKD key.
type fakeKey struct {
	epoch uint64
	x, r  uint32 // the nonces of both ends
	lane  Lane
	qkd   uint32
}

func (fakeKey) Zero() {}

func (k fakeKey) level() Level {
	switch {
	case k.epoch == 0:
		return Classic
	case k.qkd != 0:
		return QKD
	}
	return PQ
}

// fakeMsg is a message: fixed fields, then lanes.
type fakeMsg struct {
	kind  Kind
	pair  byte
	epoch uint64
	x, r  uint32
	lanes []Offer
}

func (f fakeMsg) bytes() []byte {
	b := []byte{byte(f.kind), f.pair}
	b = binary.BigEndian.AppendUint64(b, f.epoch)
	b = binary.BigEndian.AppendUint32(b, f.x)
	b = binary.BigEndian.AppendUint32(b, f.r)
	for _, o := range f.lanes {
		b = binary.BigEndian.AppendUint16(b, uint16(o.Lane.Index))
		b = binary.BigEndian.AppendUint32(b, qkdNumber(o.QKD))
	}
	return b
}

func qkdName(n uint32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func qkdNumber(name string) (n uint32) {
	if name != "" {
		_, _ = fmt.Sscan(name, &n)
	}
	return n
}

var errFake = errors.New("does not verify")

func parseFake(b []byte) (fakeMsg, error) {
	if len(b) < 18 || (len(b)-18)%6 != 0 || b[0] == 0 || b[0] > byte(Nudge) {
		return fakeMsg{}, errors.New("not a message")
	}
	f := fakeMsg{kind: Kind(b[0]), pair: b[1], epoch: binary.BigEndian.Uint64(b[2:]), x: binary.BigEndian.Uint32(b[10:]), r: binary.BigEndian.Uint32(b[14:])}
	for b = b[18:]; len(b) > 0; b = b[6:] {
		f.lanes = append(f.lanes, Offer{testLane(int(binary.BigEndian.Uint16(b))), qkdName(binary.BigEndian.Uint32(b[2:]))})
	}
	return f, nil
}

// testLane: lane 0 needs a pq key, lane 1 a QKD key.
func testLane(index int) Lane { return Lane{[...]string{"gold", "vault"}[index&1], index} }

func (c fakeCrypto) Peek(msg []byte) (Header, error) {
	f, err := parseFake(msg)
	if err != nil {
		return Header{}, err
	}
	if f.pair != c.pair {
		return Header{}, fmt.Errorf("pair %d: %w", f.pair, ErrForeign)
	}
	h := Header{Kind: f.kind, Epoch: f.epoch}
	binary.BigEndian.PutUint32(h.Exchange[:], f.x)
	return h, nil
}

func (c fakeCrypto) Initiate(epoch uint64, offers []Offer) (Initiator, []byte, error) {
	f := fakeMsg{kind: Init, pair: c.pair, epoch: epoch, x: nonce(), lanes: offers}
	return &fakeInitiator{f}, f.bytes(), nil
}

func (c fakeCrypto) Respond(init []byte) (Responder, []byte, error) {
	f, err := parseFake(init)
	if err != nil {
		return nil, nil, err
	}
	f.r = nonce()
	return &fakeResponder{f}, fakeMsg{kind: Reply, pair: c.pair, epoch: f.epoch, x: f.x, r: f.r}.bytes(), nil
}

func (c fakeCrypto) Nudge(epoch uint64) ([]byte, error) {
	return fakeMsg{kind: Nudge, pair: c.pair, epoch: epoch}.bytes(), nil
}

func (c fakeCrypto) Nudged(msg []byte) (uint64, error) {
	f, err := parseFake(msg)
	if err == nil && (f.x != 0 || f.r != 0) {
		err = errFake
	}
	return f.epoch, err
}

type fakeInitiator struct{ init fakeMsg }

func (s *fakeInitiator) Confirm(reply []byte, _ []QKDKey) ([]byte, error) {
	f, err := parseFake(reply)
	if err != nil || f.kind != Reply || f.epoch != s.init.epoch || f.x != s.init.x {
		return nil, errors.Join(err, errFake)
	}
	s.init.r = f.r
	return fakeMsg{kind: Confirm, pair: f.pair, epoch: f.epoch, x: f.x, r: f.r}.bytes(), nil
}

func (s *fakeInitiator) Committed(commit []byte) ([]Lane, error) {
	f, err := parseFake(commit)
	if err != nil || f.kind != Commit || f.epoch != s.init.epoch || f.x != s.init.x || f.r != s.init.r {
		return nil, errors.Join(err, errFake)
	}
	var lanes []Lane
	for _, o := range f.lanes {
		lanes = append(lanes, o.Lane)
	}
	return lanes, nil
}

func (s *fakeInitiator) Key(lane Lane, qkd Secret) (Secret, error) {
	return deriveFake(s.init, lane, qkd)
}
func (s *fakeInitiator) Erase() {}

type fakeResponder struct{ init fakeMsg }

func (s *fakeResponder) Confirmed(confirm []byte) ([]Offer, error) {
	f, err := parseFake(confirm)
	if err != nil || f.kind != Confirm || f.epoch != s.init.epoch || f.x != s.init.x || f.r != s.init.r {
		return nil, errors.Join(err, errFake)
	}
	return slices.Clone(s.init.lanes), nil
}

func (s *fakeResponder) Commit(lanes []Lane) ([]byte, error) {
	f := fakeMsg{kind: Commit, pair: s.init.pair, epoch: s.init.epoch, x: s.init.x, r: s.init.r}
	for _, l := range lanes {
		f.lanes = append(f.lanes, Offer{Lane: l})
	}
	return f.bytes(), nil
}

func (s *fakeResponder) Key(lane Lane, qkd Secret) (Secret, error) {
	return deriveFake(s.init, lane, qkd)
}
func (s *fakeResponder) Erase() {}

func deriveFake(f fakeMsg, lane Lane, qkd Secret) (Secret, error) {
	k := fakeKey{epoch: f.epoch, x: f.x, r: f.r, lane: lane}
	if qkd != nil {
		k.qkd = qkd.(fakeKey).qkd
	}
	return k, nil
}
