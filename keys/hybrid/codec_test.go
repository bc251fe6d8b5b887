package hybrid

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
)

// samples is a message of every kind, and an Init as long as they come.
func samples(t testing.TB) []Message {
	t.Helper()
	w := newWorld(t)
	x := w.exchange()
	nudge, err := NewNudge(w.bea, w.pair, 0)
	if err != nil {
		t.Fatal(err)
	}
	long := &Init{Header: Header{ID{1}, MaxEpoch}, Suite: kem.X25519MLKEM1024, Key: make([]byte, 1600)}
	long.From.Node, long.To.Node = strings.Repeat("a", MaxName), strings.Repeat("b", MaxName)
	for i := range MaxLanes {
		id := strings.Repeat("k", MaxKeyID-2) + hexOf([]byte{byte(i)})
		long.Lanes = append(long.Lanes, Lane{strings.Repeat("l", MaxName), uint32(i), id})
	}
	return []Message{x.init, x.reply, x.confirm, x.commit, nudge, long}
}

func TestCodec(t *testing.T) {
	for _, m := range samples(t) {
		b := Encode(m)
		back, err := Decode(b)
		if err != nil {
			t.Fatalf("kind %d: %v", m.Kind(), err)
		}
		if back.Kind() != m.Kind() || back.Head() != m.Head() || !bytes.Equal(Encode(back), b) {
			t.Errorf("kind %d: decoded differs", m.Kind())
		}
		if kind, head, err := Peek(b); err != nil || kind != m.Kind() || head != m.Head() {
			t.Errorf("kind %d: peek: %v", m.Kind(), err)
		}
		if len(b) > MaxMessage {
			t.Errorf("kind %d: %d bytes", m.Kind(), len(b))
		}
		step := 1
		if len(b) > 6000 { // the work grows with the square of the length
			step = 61
		}
		for n := 0; n < len(b); n += step {
			if _, err := Decode(b[:n]); !errors.Is(err, ErrMalformed) {
				t.Fatalf("kind %d cut to %d of %d bytes: %v", m.Kind(), n, len(b), err)
			}
		}
		if _, err := Decode(append(bytes.Clone(b), 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("kind %d: a byte behind it: %v", m.Kind(), err)
		}
		for _, v := range []byte{0, 2, 255} {
			other := bytes.Clone(b)
			other[0] = v
			if _, err := Decode(other); !errors.Is(err, ErrVersion) {
				t.Errorf("kind %d: version %d: %v", m.Kind(), v, err)
			}
		}
		for _, kind := range []byte{0, 6, 0x40, 255} {
			other := bytes.Clone(b)
			other[1] = kind
			if _, err := Decode(other); !errors.Is(err, ErrMalformed) {
				t.Errorf("kind %d as %d: %v", m.Kind(), kind, err)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	init := func(damage func(m *Init)) []byte {
		w := newWorld(t)
		_, m := w.initiate()
		damage(m)
		return Encode(m)
	}
	commit := func(damage func(b []byte) []byte) []byte {
		m := &Commit{Header: Header{Epoch: 1}, Taken: []bool{true, false, true}}
		return damage(Encode(m))
	}
	for name, b := range map[string][]byte{
		"epoch 0":                init(func(m *Init) { m.Epoch = 0 }),
		"epoch over the last":    init(func(m *Init) { m.Epoch = MaxEpoch + 1 }),
		"no suite":               init(func(m *Init) { m.Suite = 0 }),
		"key of another suite":   init(func(m *Init) { m.Suite = kem.X25519MLKEM1024 }),
		"nameless node":          init(func(m *Init) { m.From.Node = "" }),
		"long node":              init(func(m *Init) { m.To.Node = strings.Repeat("x", MaxName+1) }),
		"line in a name":         init(func(m *Init) { m.From.Node = "a\nb" }),
		"foreign letters":        init(func(m *Init) { m.From.Node = "経路" }),
		"nameless intent":        init(func(m *Init) { m.Lanes[0].Intent = "" }),
		"long intent":            init(func(m *Init) { m.Lanes[0].Intent = strings.Repeat("x", MaxName+1) }),
		"long QKD key":           init(func(m *Init) { m.Lanes[1].KeyID = strings.Repeat("x", MaxKeyID+1) }),
		"space in a QKD key":     init(func(m *Init) { m.Lanes[1].KeyID = "a b" }),
		"lanes not sorted":       init(func(m *Init) { m.Lanes[0], m.Lanes[1] = m.Lanes[1], m.Lanes[0] }),
		"one QKD key, two lanes": init(func(m *Init) { m.Lanes[0].KeyID = keyID }),
		"a bit behind the last":  commit(func(b []byte) []byte { b[headerSize+2] |= 1; return b }),
		"too many lanes":         Encode(&Commit{Header: Header{Epoch: 1}, Taken: make([]bool, MaxLanes+1)}),
		"too many checks": Encode(&Confirm{Header: Header{Epoch: 1}, Checks: make([]Digest, MaxLanes+1),
			Signature: make([]byte, SignatureSize)}),
		"too long a ciphertext": Encode(&Reply{Header: Header{Epoch: 1}, Ciphertext: make([]byte, maxKEMBytes+1),
			Signature: make([]byte, SignatureSize)}),
		"too long": make([]byte, MaxMessage+1),
	} {
		if name == "too long" {
			b[0], b[1], b[headerSize-1] = version, byte(KindCommit), 1
		}
		if _, err := Decode(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBits: packed and unpacked are the same, whatever the number.
func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Commit{Header: Header{Epoch: 1}, Taken: rapid.SliceOfN(rapid.Bool(), 0, MaxLanes).Draw(t, "taken")}
		back, err := Decode(Encode(m))
		if err != nil {
			t.Fatal(err)
		}
		for i, bit := range back.(*Commit).Taken {
			if bit != m.Taken[i] {
				t.Fatalf("bit %d of %d", i, len(m.Taken))
			}
		}
	})
}

// FuzzDecode: what is decoded encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(Encode(m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			if Reason(err) != ErrMalformed && Reason(err) != ErrVersion {
				t.Errorf("refused for %v", err)
			}
			return
		}
		if again := Encode(m); !bytes.Equal(again, b) {
			t.Errorf("%x encodes to %x", b, again)
		}
	})
}
