package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
)

func parsed(t testing.TB, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The vector is that of the libraries of the Standard Webhooks project.
func TestSignatureVector(t *testing.T) {
	h := http.Header{}
	body := []byte(`{"test": 2432232314}`)
	now := time.Unix(1614265330, 0)
	sign(h, []Secret{parsed(t, secretA), parsed(t, secretB)}, "msg_p5jXN8AQM9LWM0D4loKWxJek", now, body)
	first, second, _ := strings.Cut(h.Get("webhook-signature"), " ")
	if first != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signature %s", first)
	}
	if !strings.HasPrefix(second, "v1,") || second == first {
		t.Errorf("second signature %s", second)
	}
	// Either secret verifies: that is what rotation needs.
	for _, s := range []string{secretA, secretB} {
		if err := Verify([]Secret{parsed(t, s)}, h, body, now); err != nil {
			t.Error(err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	now := time.Unix(1614265330, 0)
	body := []byte("body")
	secrets := []Secret{parsed(t, secretA)}
	for name, change := range map[string]func(h http.Header) ([]byte, time.Time){
		"other body":      func(http.Header) ([]byte, time.Time) { return []byte("bodY"), now },
		"too late":        func(http.Header) ([]byte, time.Time) { return body, now.Add(6 * time.Minute) },
		"too early":       func(http.Header) ([]byte, time.Time) { return body, now.Add(-6 * time.Minute) },
		"other id":        func(h http.Header) ([]byte, time.Time) { h.Set(HeaderID, "x"); return body, now },
		"no id":           func(h http.Header) ([]byte, time.Time) { h.Del(HeaderID); return body, now },
		"moved timestamp": func(h http.Header) ([]byte, time.Time) { h.Set(HeaderTimestamp, "1614265331"); return body, now },
		"bad timestamp":   func(h http.Header) ([]byte, time.Time) { h.Set(HeaderTimestamp, "now"); return body, now },
		"far timestamp": func(h http.Header) ([]byte, time.Time) {
			h.Set(HeaderTimestamp, "9223372036854775807")
			return body, now
		},
		"no signature": func(h http.Header) ([]byte, time.Time) { h.Del(HeaderSignature); return body, now },
		"other scheme": func(h http.Header) ([]byte, time.Time) {
			h.Set(HeaderSignature, "v1a"+h.Get(HeaderSignature)[2:])
			return body, now
		},
	} {
		h := http.Header{}
		sign(h, secrets, "msg_1", now, body)
		if err := Verify(secrets, h, body, now); err != nil {
			t.Fatal(err)
		}
		got, at := change(h)
		if err := Verify(secrets, h, got, at); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	s := parsed(t, secretA)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "all", []Secret{s})
	asJSON, _ := json.Marshal(struct{ S Secret }{s})
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %x %d", s, s, s, s, s, []Secret{s}), log.String(), string(asJSON)} {
		if !strings.Contains(text, "[redacted]") || strings.Contains(text, "MfKQ9") || strings.Contains(text, "31f2") || strings.Contains(text, "49 242") {
			t.Errorf("leaks: %s", text)
		}
	}
}

func TestReadSecrets(t *testing.T) {
	file := t.TempDir() + "/secrets"
	for text, want := range map[string]string{
		"# now\n" + secretA + "\n\n" + secretB + "\n": "",
		"":                         "no webhook secret in it",
		"MfKQ9r8GKYqrTwjUPD8ILPZI": "secrets:1: bad webhook secret: want whsec_",
		secretA + "\nwhsec_#":      "secrets:2: bad webhook secret: what follows whsec_ is not base64",
		"whsec_AAAA":               "want 24 to 64 bytes, not 3",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecrets(file)
		if want == "" && (err != nil || len(got) != 2) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %d, %v", text, len(got), err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1614265330", "v1,AAAA v1a,x ,", "body")
	secrets := []Secret{parsed(f, secretA)}
	f.Fuzz(func(t *testing.T, id, timestamp, signature, body string) {
		h := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {signature}}
		if Verify(secrets, h, []byte(body), time.Unix(1614265330, 0)) == nil {
			t.Error("forged")
		}
	})
}
