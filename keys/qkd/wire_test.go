package qkd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// FuzzContainer: what is taken is what a plain decoder reads too, and nothing
// of a key is in what is said of the rest.
func FuzzContainer(f *testing.F) {
	for _, body := range []string{
		`{"keys":[{"key_ID":"ID1","key":"KEY1"}]}`,
		`{"Keys":[{"key_ID":"ID1","key":"KEY1"},{"KEY_id":"ID2","key":"KEY2","x":[{}]}],"keys_":null}`,
		`{"keys":[{"key_ID":"ID1","key":"\u0045\/"}]}`,
		`{"keys":[{"key_ID":"ID1","key":"KEY1KEY1KEY1"}]}`, `{"keys":[null]}`, `[]`, `{`,
	} {
		f.Add([]byte(aliases.Replace(body)), 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, number int) {
		plain := bytes.Clone(body)
		keys, _, why := decodeContainer(body, number)
		if why != "" {
			wantNoKey(t, why)
			if keys != nil {
				t.Fatal("keys and a fault")
			}
			return
		}
		if len(keys) != number {
			t.Fatalf("%d keys, not %d", len(keys), number)
		}
		var twin struct {
			Keys []struct {
				ID  string `json:"key_ID"`
				Key []byte `json:"key"`
			} `json:"keys"`
		}
		if err := json.Unmarshal(plain, &twin); err != nil {
			t.Fatal(err)
		}
		for i, k := range keys {
			if !bytes.Equal(k.Secret.Bytes(), twin.Keys[i].Key) || !strings.EqualFold(k.ID.String(), twin.Keys[i].ID) {
				t.Fatalf("key %d differs", i)
			}
			for _, other := range keys[:i] {
				if other.ID == k.ID {
					t.Fatal("one id twice")
				}
			}
		}
	})
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(`{"source_KME_ID":"A","target_KME_ID":"B","master_SAE_ID":"C","slave_SAE_ID":"D","key_size":352,"stored_key_count":25000,"max_key_count":100000,"max_key_per_request":128,"max_key_size":1024,"min_key_size":64,"max_SAE_ID_count":0}`))
	f.Add([]byte(`{"key_size":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, _, why := decodeStatus(body)
		if why != "" {
			if s != (Status{}) {
				t.Fatal("a status and a fault")
			}
			return
		}
		if n := s.Keys(); n < 0 || n > s.Stored {
			t.Fatalf("%d keys of %+v", n, s)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"message":"size shall be a multiple of 8","details":[{"a":{"b":1}},{}]}`))
	f.Add([]byte(aliases.Replace(`{"message":"KEY1","details":[{"KEY2":"KEY3"}]}`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		message, details := decodeRefusal(body)
		if len(details) > maxDetails {
			t.Fatal("unbounded")
		}
		for _, d := range append(details, Detail{message, ""}) {
			for _, text := range []string{d.Name, d.Value} {
				if len(text) > maxText+3 || !utf8.ValidString(text) || keyLike.MatchString(text) {
					t.Fatalf("shown: %q", text)
				}
			}
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("550e8400-e29b-41d4-a716-446655440000")
	f.Add("550E8400-E29B-41D4-A716-446655440000")
	f.Add("550e8400-e29b-41d4-a716-44665544000é")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err == nil && id.String() != strings.ToLower(text) || err != nil && id != (ID{}) {
			t.Fatalf("%q is %v, %v", text, id, err)
		}
	})
}

// FuzzUnescape against encoding/json: it may refuse more, never read otherwise.
func FuzzUnescape(f *testing.F) {
	for _, text := range []string{`""`, `"a+/="`, `"\/\u002B\u002f"`, `"\n"`, `"\u000a"`, `"\u0100"`, `1`, `"` + strings.Repeat("a", 100) + `"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, quoted []byte) {
		var want string
		if json.Unmarshal(quoted, &want) != nil || !utf8.Valid(quoted) {
			return
		}
		var out [64]byte
		n, err := unescape(out[:], bytes.TrimSpace(quoted))
		if _, bad := base64.StdEncoding.DecodeString(want); err != nil {
			if bad == nil && !strings.ContainsAny(want, "\r\n") && quoted[0] == '"' {
				t.Fatalf("%s is Base64 and refused", quoted)
			}
			return
		}
		if n != len(want) || string(out[:min(n, len(out))]) != want[:min(n, len(out))] {
			t.Fatalf("%s: %q, %d bytes", quoted, out, n)
		}
	})
}

// TestMemory against a list of everything: it forgets none of the last limit
// members, and takes all or none.
func TestMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 5
		m := newMemory[int](limit)
		var all []int // as added; a number taken out is negative
		holds := func(n int) bool {
			for _, have := range all[max(0, len(all)-limit):] {
				if have == n {
					return true
				}
			}
			return false
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			some := rapid.SliceOfN(rapid.IntRange(1, 12), 1, 3).Draw(t, "some")
			if rapid.Bool().Draw(t, "remove") {
				m.remove(some)
				for i, have := range all {
					for _, n := range some {
						if have == n {
							all[i] = -1
						}
					}
				}
				continue
			}
			before := len(all)
			want := false
			for _, n := range some {
				if want = holds(n); want {
					for i := before; i < len(all); i++ {
						all[i] = -1
					}
					break
				}
				all = append(all, n)
			}
			if _, got := m.add(some); got != want {
				t.Fatalf("%v known %v, want %v, of %v", some, got, want, all)
			}
		}
		if len(m.members) > limit || len(m.order) > limit {
			t.Fatal("unbounded")
		}
	})
}

// TestFingerprints are keyed: two clients remember one key as two things.
func TestFingerprints(t *testing.T) {
	keys, _, why := decodeContainer([]byte(aliases.Replace(`{"keys":[{"key_ID":"ID1","key":"KEY1"}]}`)), 1)
	if why != "" {
		t.Fatal(why)
	}
	a, b := newSeen(2), newSeen(2)
	print := a.fingerprint(keys[0])
	if print == b.fingerprint(keys[0]) || print != a.fingerprint(keys[0]) {
		t.Error("not keyed, or not stable")
	}
}

// TestErased: keys of an answer that is refused are zero afterwards.
func TestErased(t *testing.T) {
	keys, _, _ := decodeContainer([]byte(aliases.Replace(`{"keys":[{"key_ID":"ID1","key":"KEY1"}]}`)), 1)
	view := keys[0].Secret.Bytes()
	erase(keys)
	if keys[0].Secret.Present() || !bytes.Equal(view, make([]byte, 32)) {
		t.Error("not erased")
	}
}
