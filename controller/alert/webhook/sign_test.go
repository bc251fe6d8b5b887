package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/sign"
)

const (
	secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	// RFC 8032 section 7.1, test 2.
	privateA = "whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDA=="
	seedA    = "whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs="
	publicA  = "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
)

var at = time.Unix(1614265330, 0)

func parsed(t testing.TB, text string) Key {
	t.Helper()
	k, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func hybrid(t testing.TB, n byte) *sign.Key {
	t.Helper()
	k, err := sign.Generate(bytes.NewReader(bytes.Repeat([]byte{n}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func verifiers(keys ...Key) (all []Verifier) {
	for _, k := range keys {
		all = append(all, k.Verifier())
	}
	return all
}

// The vector is that of the libraries of the Standard Webhooks project.
func TestSignatureVector(t *testing.T) {
	h := http.Header{}
	body := []byte(`{"test": 2432232314}`)
	a, b := parsed(t, secretA), parsed(t, secretB)
	Sign(h, []Key{a, b}, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
	first, second, _ := strings.Cut(h.Get("webhook-signature"), " ")
	if first != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signature %s", first)
	}
	if !strings.HasPrefix(second, "v1,") || second == first {
		t.Errorf("second signature %s", second)
	}
	// Either secret verifies: that is what rotation needs.
	for _, k := range []Key{a, b} {
		if err := Verify(verifiers(k), h, body, at); err != nil {
			t.Error(err)
		}
	}
}

// TestEd25519Text: the three forms of a key are one key, that of RFC 8032.
func TestEd25519Text(t *testing.T) {
	for _, text := range []string{privateA, seedA} {
		k := parsed(t, text)
		if k.Verifier().Name != publicA || k.Text() != privateA || k.Scheme() != Ed25519 {
			t.Errorf("%s: %s, %s", text, k.Verifier().Name, k.Scheme())
		}
		h := http.Header{}
		Sign(h, []Key{k}, "msg_1", at, []byte("body"))
		public, err := ParseVerifier(publicA)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify([]Verifier{public}, h, []byte("body"), at); err != nil || !strings.HasPrefix(h.Get(HeaderSignature), "v1a,") {
			t.Error(err, h)
		}
	}
}

// TestEverySchemeMustHold: what a receiver has keys of cannot be left out.
func TestEverySchemeMustHold(t *testing.T) {
	keys := []Key{parsed(t, secretA), parsed(t, privateA), HybridKey(hybrid(t, 1)), HybridKey(hybrid(t, 2))}
	body := []byte("body")
	signed := func() http.Header {
		h := http.Header{}
		Sign(h, keys, "msg_1", at, body)
		return h
	}
	h := signed()
	held, err := Check(verifiers(keys...), h, body)
	if err != nil || len(held) != 4 || len(h.Values(HeaderHybrid)) != 2 {
		t.Fatal(err, held, len(h.Values(HeaderHybrid)))
	}
	for _, line := range h.Values(HeaderHybrid) {
		if len(line) != 4504 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	for _, k := range keys { // each alone is enough for who knows it only
		if _, err := Check(verifiers(k), h, body); err != nil {
			t.Errorf("%s alone: %v", k.Scheme(), err)
		}
	}
	stranger := []Key{parsed(t, secretB), HybridKey(hybrid(t, 3))}
	for _, k := range stranger {
		if _, err := Check(verifiers(k), h, body); err == nil {
			t.Errorf("a stranger's %s is taken", k.Scheme())
		}
	}
	if held, err := Check(append(verifiers(keys...), verifiers(stranger...)...), h, body); err != nil || len(held) != 4 {
		t.Errorf("while keys change: %v, %v", held, err)
	}
	for name, strip := range map[string]func(h http.Header){
		"without hybrid":   func(h http.Header) { h.Del(HeaderHybrid) },
		"without standard": func(h http.Header) { h.Del(HeaderSignature) },
		"without Ed25519": func(h http.Header) {
			first, _, _ := strings.Cut(h.Get(HeaderSignature), " ")
			h.Set(HeaderSignature, first)
		},
		"hybrid of another webhook": func(h http.Header) {
			other := http.Header{}
			Sign(other, keys, "msg_2", at, body)
			h[HeaderHybrid] = other[HeaderHybrid]
		},
		"hybrid as Ed25519": func(h http.Header) {
			h.Set(HeaderHybrid, strings.Replace(h.Get(HeaderHybrid), "v1h,", "v1a,", 1))
		},
	} {
		h := signed()
		strip(h)
		if _, err := Check(verifiers(keys...), h, body); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Check(nil, h, body); err == nil {
		t.Error("no key verifies everything")
	}
}

func TestVerifyRefuses(t *testing.T) {
	body := []byte("body")
	for _, key := range []Key{parsed(t, secretA), parsed(t, privateA), HybridKey(hybrid(t, 1))} {
		for name, change := range map[string]func(h http.Header) ([]byte, time.Time){
			"other body":      func(http.Header) ([]byte, time.Time) { return []byte("bodY"), at },
			"too late":        func(http.Header) ([]byte, time.Time) { return body, at.Add(6 * time.Minute) },
			"too early":       func(http.Header) ([]byte, time.Time) { return body, at.Add(-6 * time.Minute) },
			"other id":        func(h http.Header) ([]byte, time.Time) { h.Set(HeaderID, "x"); return body, at },
			"no id":           func(h http.Header) ([]byte, time.Time) { h.Del(HeaderID); return body, at },
			"two ids":         func(h http.Header) ([]byte, time.Time) { h.Add(HeaderID, "msg_2"); return body, at },
			"two timestamps":  func(h http.Header) ([]byte, time.Time) { h.Add(HeaderTimestamp, "1614265330"); return body, at },
			"moved timestamp": func(h http.Header) ([]byte, time.Time) { h.Set(HeaderTimestamp, "1614265331"); return body, at },
			"bad timestamp":   func(h http.Header) ([]byte, time.Time) { h.Set(HeaderTimestamp, "now"); return body, at },
			"far timestamp": func(h http.Header) ([]byte, time.Time) {
				h.Set(HeaderTimestamp, "9223372036854775807")
				return body, at
			},
			"no signature": func(h http.Header) ([]byte, time.Time) { h.Del(HeaderSignature); h.Del(HeaderHybrid); return body, at },
			"other scheme": func(h http.Header) ([]byte, time.Time) {
				for _, name := range []string{HeaderSignature, HeaderHybrid} {
					if text := h.Get(name); text != "" {
						_, encoded, _ := strings.Cut(text, ",")
						h.Set(name, "v2,"+encoded)
					}
				}
				return body, at
			},
		} {
			h := http.Header{}
			Sign(h, []Key{key}, "msg_1", at, body)
			if err := Verify(verifiers(key), h, body, at); err != nil {
				t.Fatal(err)
			}
			got, now := change(h)
			if err := Verify(verifiers(key), h, got, now); err == nil {
				t.Errorf("%s, %s: accepted", key.Scheme(), name)
			}
		}
	}
}

// TestMovedBorder: the same signed bytes, cut elsewhere, are no webhook.
func TestMovedBorder(t *testing.T) {
	key := parsed(t, secretA)
	h := http.Header{}
	Sign(h, []Key{key}, "msg_1", at, []byte("1614265330.body"))
	h.Set(HeaderID, "msg_1.1614265330")
	if err := Verify(verifiers(key), h, []byte("body"), at); err == nil {
		t.Error("accepted")
	}
}

func TestKeysAreRedacted(t *testing.T) {
	for _, k := range []Key{parsed(t, secretA), parsed(t, privateA), HybridKey(hybrid(t, 1))} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "all", []Key{k})
		asJSON, err := json.Marshal(struct{ K Key }{k})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %x %d", k, k, k, k, k, []Key{k}), log.String(), string(asJSON)} {
			for _, leak := range []string{"MfKQ9", "31f2", "49 242", "TM0Im", "4ccd", "76 205", "0101", "1 1"} {
				if !strings.Contains(text, "[redacted]") || strings.Contains(text, leak) {
					t.Errorf("leaks: %s", text)
				}
			}
		}
	}
}

func TestGenerate(t *testing.T) {
	for _, scheme := range []Scheme{HMAC, Ed25519} {
		k, err := Generate(scheme, bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
		if err != nil || k.Scheme() != scheme {
			t.Fatal(err)
		}
		if again := parsed(t, k.Text()); again.Text() != k.Text() {
			t.Error("read differently")
		}
		if _, err := Generate(scheme, bytes.NewReader(make([]byte, 31))); err == nil {
			t.Error("a key from 31 bytes")
		}
	}
	if _, err := Generate(Hybrid, bytes.NewReader(make([]byte, 64))); err == nil {
		t.Error("a hybrid key as a line of text")
	}
}

func TestReadKeys(t *testing.T) {
	file := t.TempDir() + "/keys"
	for text, want := range map[string]string{
		"# now\n" + secretA + "\n\n" + privateA + "\n": "",
		"":                         "no webhook key in it",
		"MfKQ9r8GKYqrTwjUPD8ILPZI": "keys: line 1: bad webhook key: want whsec_",
		secretA + "\nwhsec_#":      "keys: line 2: bad webhook key: what follows whsec_ is not base64",
		"whsec_AAAA":               "want 24 to 64 bytes, not 3",
		"whsk_AAAA":                "want 32 or 64 bytes after whsk_, not 3",
		publicA:                    "signs nothing",
		"whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDQ==": "and the public key of another",
		strings.Repeat("#", maxFile+1):                             "longer than 65536 bytes",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n": "malformed",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadKeys(file)
		if want == "" && (err != nil || len(got) != 2) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.80q: %d, %v", text, len(got), err)
		}
		if err != nil && strings.Contains(err.Error(), "MfKQ9") {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func TestParseVerifiers(t *testing.T) {
	a, b := hybrid(t, 1), hybrid(t, 2)
	for name, c := range map[string]struct {
		text []byte
		want []string
	}{
		"lines":   {[]byte(secretA + "\n" + publicA + "\n" + privateA), []string{"a secret", publicA, publicA}},
		"public":  {append(a.Public().Marshal(), b.Public().Marshal()...), []string{a.Public().Fingerprint().String(), b.Public().Fingerprint().String()}},
		"private": {a.MarshalPrivate(), []string{a.Public().Fingerprint().String()}},
		"nothing": {nil, nil},
		"short":   {[]byte("whpk_AAAA"), nil},
		"bad PEM": {a.Public().Marshal()[:500], nil},
	} {
		got, err := ParseVerifiers(c.text)
		var names []string
		for _, v := range got {
			names = append(names, v.Name)
		}
		if fmt.Sprint(names) != fmt.Sprint(c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%s: %v, %v", name, names, err)
		}
	}
}

func TestFreshAndSent(t *testing.T) {
	h := http.Header{}
	Sign(h, nil, "msg_1", at, nil)
	if sent, err := Sent(h); err != nil || !sent.Equal(at) {
		t.Error(sent, err)
	}
	if err := errors.Join(Fresh(h, at.Add(time.Hour), time.Hour), Fresh(h, at.Add(-time.Hour), time.Hour)); err != nil {
		t.Error(err)
	}
	if Fresh(h, at.Add(time.Hour+time.Second), time.Hour) == nil || Fresh(http.Header{}, at, time.Hour) == nil {
		t.Error("what is old, or of no known time, is fresh")
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1614265330", "v1,AAAA v1a,x ,", "v1h,AAAA", "body")
	trusted := verifiers(parsed(f, secretA), parsed(f, privateA), HybridKey(hybrid(f, 1)))
	f.Fuzz(func(t *testing.T, id, timestamp, signature, ours, body string) {
		h := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {signature}, HeaderHybrid: {ours}}
		for _, v := range trusted {
			if Verify([]Verifier{v}, h, []byte(body), at) == nil {
				t.Error("forged")
			}
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(secretA + "\n" + privateA))
	f.Add(hybrid(f, 1).MarshalPrivate())
	f.Add(hybrid(f, 1).Public().Marshal())
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseKeys(text)
		if err != nil {
			_, _ = ParseVerifiers(text) // does not panic
			return
		}
		for _, k := range keys {
			again, err := ParseKeys([]byte(k.Text()))
			if err != nil || len(again) != 1 || again[0].Text() != k.Text() {
				t.Error("written and read differently", err)
			}
		}
		if trusted, err := ParseVerifiers(text); err != nil || len(trusted) != len(keys) {
			t.Error("a file that signs does not verify", err)
		}
	})
}
