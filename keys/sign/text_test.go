package sign

import (
	"bytes"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

func encode(kind string, body []byte, headers map[string]string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body, Headers: headers})
}

func TestPrivateText(t *testing.T) {
	k := mustKey(t, 1)
	text := k.MarshalPrivate()
	back, err := ParsePrivate(text)
	if err != nil || back.Public().Fingerprint() != k.Public().Fingerprint() {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Sign(purpose, nil), k.Sign(purpose, nil)) {
		t.Error("signs differently")
	}
	body, _ := pem.Decode(text)
	version2 := bytes.Clone(body.Bytes)
	version2[0] = 2
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"empty":               {nil, ErrMalformed},
		"garbage":             {[]byte("garbage"), ErrMalformed},
		"an agent's identity": {encode("KEIRO HYBRID PRIVATE IDENTITY", body.Bytes, nil), ErrMalformed},
		"a public key":        {k.Public().Marshal(), ErrMalformed},
		"short":               {encode(privateBlock, body.Bytes[:64], nil), ErrMalformed},
		"long":                {encode(privateBlock, append(bytes.Clone(body.Bytes), 0), nil), ErrMalformed},
		"of a later version":  {encode(privateBlock, version2, nil), ErrVersion},
		"with headers":        {encode(privateBlock, body.Bytes, map[string]string{"A": "b"}), ErrMalformed},
		"with a second block": {append(bytes.Clone(text), text...), ErrMalformed},
		"after text":          {append([]byte("hello\n"), text...), ErrMalformed},
		"after half a block":  {append([]byte("-----BEGIN "+privateBlock+"-----\n"), text...), ErrMalformed},
		"before text":         {append(bytes.Clone(text), "hello"...), ErrMalformed},
		"cut":                 {text[:len(text)-10], ErrMalformed},
	} {
		got, err := ParsePrivate(c.text)
		if got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), string(text[50:60])) {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
	if _, err := ParsePrivate(k.Public().Marshal()); !strings.Contains(err.Error(), "this is a public key") {
		t.Error(err)
	}
}

func TestPublicText(t *testing.T) {
	a, b := mustKey(t, 1).Public(), mustKey(t, 2).Public()
	back, err := ParsePublic(a.Marshal())
	if err != nil || back.Fingerprint() != a.Fingerprint() || !bytes.Equal(back.Bytes(), a.Bytes()) {
		t.Fatal(err)
	}
	both := append(append([]byte("# alice, till June\n"), a.Marshal()...), append([]byte("\n# bob\n"), b.Marshal()...)...)
	for name, text := range map[string][]byte{"two": both, "with CRLF": bytes.ReplaceAll(both, []byte("\n"), []byte("\r\n"))} {
		all, err := ParsePublics(text)
		if err != nil || len(all) != 2 || all[0].Fingerprint() != a.Fingerprint() || all[1].Fingerprint() != b.Fingerprint() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParsePublic(both); !errors.Is(err, ErrMalformed) {
		t.Errorf("two for one: %v", err)
	}
	body, _ := pem.Decode(a.Marshal())
	version2 := bytes.Clone(body.Bytes)
	version2[0] = 2
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"empty":              {nil, ErrMalformed},
		"comments alone":     {[]byte("# nothing\n"), ErrMalformed},
		"a private key":      {mustKey(t, 1).MarshalPrivate(), ErrMalformed},
		"short":              {encode(publicBlock, body.Bytes[:len(body.Bytes)-1], nil), ErrMalformed},
		"long":               {encode(publicBlock, append(bytes.Clone(body.Bytes), 0), nil), ErrMalformed},
		"of a later version": {encode(publicBlock, version2, nil), ErrVersion},
		"with headers":       {encode(publicBlock, body.Bytes, map[string]string{"A": "b"}), ErrMalformed},
		"twice the same":     {append(a.Marshal(), a.Marshal()...), ErrMalformed},
		"after text":         {append([]byte("hello\n"), a.Marshal()...), ErrMalformed},
		"before text":        {append(a.Marshal(), "hello"...), ErrMalformed},
	} {
		if got, err := ParsePublics(c.text); got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFingerprintText(t *testing.T) {
	f := mustKey(t, 1).Public().Fingerprint()
	if back, err := ParseFingerprint(f.String()); err != nil || back != f {
		t.Error(err)
	}
	for _, text := range []string{"", "00", f.String() + "00", strings.Repeat("x", 64)} {
		if _, err := ParseFingerprint(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParsePrivate(f *testing.F) {
	f.Add(mustKey(f, 1).MarshalPrivate())
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParsePrivate(text); err == nil {
			if !bytes.Equal(bytes.TrimSpace(k.MarshalPrivate()), bytes.TrimSpace(text)) {
				t.Errorf("%q is read and written differently", text)
			}
		}
	})
}

func FuzzParsePublics(f *testing.F) {
	a, b := mustKey(f, 1).Public().Marshal(), mustKey(f, 2).Public().Marshal()
	f.Add(a)
	f.Add(append(append([]byte("# two\n"), a...), b...))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := ParsePublics(text)
		if err != nil {
			return
		}
		var again []byte
		for _, p := range all {
			again = append(again, p.Marshal()...)
		}
		if back, err := ParsePublics(again); err != nil || len(back) != len(all) {
			t.Errorf("%d keys: %v", len(all), err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	k := mustKey(f, 1)
	good := k.Sign(purpose, []byte("m"))
	f.Add(purpose, []byte("m"), good)
	f.Add(purpose, []byte("n"), good)
	f.Fuzz(func(t *testing.T, context string, message, signature []byte) {
		err := Verify(k.Public(), context, message, signature)
		if holds := context == purpose && string(message) == "m" && bytes.Equal(signature, good); (err == nil) != holds {
			t.Errorf("%v", err)
		}
	})
}
