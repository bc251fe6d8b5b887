package rotate

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzState: a machine begins with any state that is taken, and writes one
// that is taken.
func FuzzState(f *testing.F) {
	for _, seed := range []string{
		`{"epoch":3,"distrusted":2,"floors":[{"intent":"gold","level":"pq","lowered":5},{"intent":"silver","level":"none"}],` +
			`"lanes":[{"lane":{"intent":"gold","index":1},"epoch":3,"level":"qkd","since":"2026-01-02T03:04:05Z","clean":true}]}`,
		`{"epoch":18446744073709551615}`,
		`{"epoch":1,"lanes":[{"lane":{"intent":"b","index":-1},"epoch":2}]}`,
		`{}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		if json.NewDecoder(bytes.NewReader(b)).Decode(&s) != nil || s.Validate() != nil {
			return
		}
		var held []Lane
		var specs []LaneSpec
		for _, r := range s.Lanes {
			held = append(held, r.Lane)
			specs = append(specs, LaneSpec{Lane: r.Lane, Level: PQ})
		}
		initiator := len(b)%2 == 0
		m := New(midnight, Config{Initiator: initiator, Crypto: fakeCrypto{initiator: initiator}, Params: Every(DefaultInterval), State: s.clone(), Held: held})
		for _, effect := range m.Step(midnight, Configured{Lanes: specs}) {
			if p, ok := effect.(Persist); ok {
				if err := p.State.Validate(); err != nil || p.State.Epoch < s.Epoch || p.State.Distrusted < s.Distrusted {
					t.Errorf("from %+v came %+v, %v", s, p.State, err)
				}
			}
		}
		m.Step(midnight, Persisted{})
		if m.Epoch() != s.Epoch {
			t.Errorf("epoch %d, read %d", m.Epoch(), s.Epoch)
		}
	})
}
