package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
)

// raw is a key of one byte, so that any rendering of it repeats a pattern.
var raw = bytes.Repeat([]byte{0xa7}, Size)

// leaks are renderings of raw: decimal, octal, binary, hexadecimal, base64 at
// each offset, escaped, and itself.
var leaks = []string{
	"167", "247", "10100111", "a7", "A7", "p6en", "n6en", "enp6", "\\xa7", string(raw[:2]), "\ufffd", "§",
}

func mustNew(t *testing.T, b []byte) Key {
	t.Helper()
	k, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func wantNoLeak(t *testing.T, how, printed string) {
	t.Helper()
	for _, leak := range leaks {
		if strings.Contains(printed, leak) {
			t.Errorf("%s shows %q: %.200q", how, leak, printed)
		}
	}
}

// TestLeaksAreFound: the patterns do find what a plain array would print.
func TestLeaksAreFound(t *testing.T) {
	found := 0
	for _, verb := range []string{"%v", "%x", "%X", "%o", "%b", "%q", "%s"} {
		printed := fmt.Sprintf(verb, [Size]byte(raw))
		for _, leak := range leaks {
			if strings.Contains(printed, leak) {
				found++
				break
			}
		}
	}
	if found != 7 {
		t.Errorf("found in %d of 7 renderings", found)
	}
}

// TestNoVerbPrints: with every verb and flag, the key itself is redacted, and
// fields that fmt may not ask show no more than an address.
func TestNoVerbPrints(t *testing.T) {
	k := mustNew(t, raw)
	type inner struct{ key Key }
	type outer struct {
		Shown  Key
		hidden Key
		List   []Key
		Ptr    *Key
		any    any
		in     inner
		inp    *inner
		inpp   **inner
	}
	in := &inner{k}
	o := outer{k, k, []Key{k}, &k, k, inner{k}, in, &in}
	for _, flags := range []string{"", "+", "#", "-", " ", "0", "40", ".40", "+#"} {
		for verb := 'A'; verb <= 'z'; verb++ {
			if verb > 'Z' && verb < 'a' {
				continue
			}
			format := "%" + flags + string(verb)
			// %T, %p and %w are answered by fmt itself, with a type or an address.
			if printed := fmt.Sprintf(format, k); printed != redacted && !strings.ContainsRune("Tpw", verb) {
				t.Fatalf("%s prints %.100q", format, printed)
			}
			for _, v := range []any{&k, []Key{k}, map[string]Key{"k": k}, o, &o, o.in, o.inp} {
				printed := fmt.Sprintf(format, v)
				for _, leak := range []string{string(raw[:2]), "a7a7a7", "A7A7A7", "167 167", "0xa7, 0xa7", "0XA7", "247 247", "U+00A7"} {
					if strings.Contains(printed, leak) {
						t.Fatalf("%s of %T shows %q: %.300q", format, v, leak, printed)
					}
				}
			}
		}
	}
}

func TestNoEncoderPrints(t *testing.T) {
	k := mustNew(t, raw)
	v := struct {
		K Key
		P *Key
		L []Key
		M map[string]Key
	}{k, &k, []Key{k}, map[string]Key{"k": k}}

	data, err := json.Marshal(v)
	if err != nil || !bytes.Contains(data, []byte(`"K":"[redacted]"`)) {
		t.Errorf("%v: %s", err, data)
	}
	wantNoLeak(t, "json", string(data))

	type element struct{ K Key }
	data, err = xml.Marshal(element{k})
	if err != nil || !bytes.Contains(data, []byte(redacted)) {
		t.Errorf("%v: %s", err, data)
	}
	wantNoLeak(t, "xml", string(data))

	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(struct{ K Key }{k}); err == nil && !bytes.Contains(b.Bytes(), []byte(redacted)) {
		t.Error("gob encodes a key")
	}
	if bytes.Contains(b.Bytes(), raw[:4]) {
		t.Error("gob shows a key")
	}
}

func TestNoLogPrints(t *testing.T) {
	k := mustNew(t, raw)
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("m", "key", k, "ptr", &k, "list", []Key{k}, "group", slog.GroupValue(slog.Any("k", k)))
	}
	log.New(&b, "", 0).Println(k, &k, []Key{k})
	// The time of the record holds digits of its own.
	for _, leak := range []string{"167 167", "a7a7", "p6en", string(raw[:2])} {
		if strings.Contains(b.String(), leak) {
			t.Errorf("a log shows %q: %s", leak, b.String())
		}
	}
	if n := strings.Count(b.String(), redacted); n < 8 {
		t.Errorf("%d times redacted: %s", n, b.String())
	}
}

func TestNoErrorPrints(t *testing.T) {
	k := mustNew(t, raw)
	err := errors.Join(fmt.Errorf("lane: %w", fmt.Errorf("key %v of %+v", k, []Key{k})))
	wantNoLeak(t, "an error", err.Error())
	_, err = New(append(raw, raw...))
	if err == nil {
		t.Fatal("64 bytes taken")
	}
	wantNoLeak(t, "a refusal", err.Error())
	if strings.Contains(err.Error(), "64") {
		t.Errorf("says how long the secret was: %v", err)
	}
}

func TestNewTakesACopyOf32Bytes(t *testing.T) {
	for _, n := range []int{0, 1, 31, 33, 64} {
		if k, err := New(make([]byte, n)); err == nil || k.Present() {
			t.Errorf("%d bytes are a key", n)
		}
	}
	b := bytes.Clone(raw)
	k := mustNew(t, b)
	clear(b)
	if !bytes.Equal(k.Bytes(), raw) {
		t.Error("the key shares the caller's bytes")
	}
}

func TestZeroErasesEveryCopy(t *testing.T) {
	k := mustNew(t, raw)
	dup, view := k, k.Bytes()
	k.Zero()
	if !bytes.Equal(view, make([]byte, Size)) {
		t.Error("bytes remain")
	}
	if k.Present() || dup.Present() || dup.Bytes() != nil {
		t.Error("32 zero bytes pass for a key")
	}
	k.Zero()
	Key{}.Zero()
	if (Key{}).Present() || (Key{}).Bytes() != nil {
		t.Error("no key is present")
	}
}

func TestEqual(t *testing.T) {
	a, b := mustNew(t, raw), mustNew(t, raw)
	if !a.Equal(b) {
		t.Error("same bytes differ")
	}
	for i := range Size {
		other := bytes.Clone(raw)
		other[i] ^= 1
		if a.Equal(mustNew(t, other)) {
			t.Errorf("byte %d is not compared", i)
		}
	}
	b.Zero()
	if a.Equal(b) || b.Equal(b) || (Key{}).Equal(Key{}) || a.Equal(Key{}) || (Key{}).Equal(a) {
		t.Error("what is absent equals something")
	}
}

func TestRandom(t *testing.T) {
	k, err := Random(bytes.NewReader(raw))
	if err != nil || !bytes.Equal(k.Bytes(), raw) {
		t.Errorf("%v", err)
	}
	if k, err = Random(bytes.NewReader(raw[:31])); err == nil || k.Present() {
		t.Error("a key of 31 random bytes")
	}
}
