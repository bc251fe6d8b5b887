package rpc

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func sample() Token {
	return NewToken([8]byte{1, 2}, [32]byte{0xfb, 3}, &x509.Certificate{Raw: []byte("a certificate")})
}

func TestToken(t *testing.T) {
	want := sample()
	got, err := ParseToken(want.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "0102000000000000" || got.Reveal() != want.Reveal() || got.CA != sha256.Sum256([]byte("a certificate")) {
		t.Errorf("%s became %s", want.Reveal(), got.Reveal())
	}
	if got.IsZero() || !(Token{}).IsZero() {
		t.Error("which token is none?")
	}
}

func TestBadTokens(t *testing.T) {
	good := sample().Reveal()
	part := strings.Split(good, ".")
	for _, bad := range []string{
		"", "kr1", "kr1...", good + ".x", good + "A", " " + good, good[1:], strings.ToUpper(good),
		"kr2." + strings.Join(part[1:], "."),
		strings.Join([]string{part[0], "zz" + part[1][2:], part[2], part[3]}, "."),
		strings.Join([]string{part[0], part[1], "+" + part[2][1:], part[3]}, "."),
		strings.Join([]string{part[0], part[1], part[2], part[3][:42] + "\n"}, "."),
		good[:len(good)-1] + "B", // bits beyond the last byte
	} {
		if _, err := ParseToken(bad); err == nil {
			t.Errorf("taken: %q", bad)
		} else if bad != "" && strings.Contains(err.Error(), part[2]) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestSecretsStaySecret(t *testing.T) {
	token := sample()
	hidden := struct {
		Token Token
		deep  struct{ token Token }
	}{Token: token}
	hidden.deep.token = token
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, v := range []any{token, &token, token.Secret, hidden, []Token{token}, map[string]Token{"a": token}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	if err := json.NewEncoder(&out).Encode(hidden); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "token", token, "secret", token.Secret, "hidden", hidden)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "token", token, "secret", token.Secret, "hidden", hidden)
	secret := token.Secret.Reveal()
	for _, leak := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("found %s in:\n%s", leak, out.String())
		}
	}
	if !strings.Contains(out.String(), "kr1.0102000000000000.redacted") {
		t.Errorf("logs do not name the token:\n%s", out.String())
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(sample().Reveal())
	f.Add("kr1.0102000000000000..")
	f.Add("kr1." + strings.Repeat("A", 200))
	f.Fuzz(func(t *testing.T, s string) {
		token, err := ParseToken(s)
		if err == nil && token.Reveal() != s {
			t.Errorf("%q was read as %q", s, token.Reveal())
		}
	})
}

func TestNode(t *testing.T) {
	for _, node := range []string{"tyo1", "東京 1", "a/b", "a%2fb", "x?y#z", "..", strings.Repeat("n", maxNode)} {
		cert := &x509.Certificate{}
		cert.Subject.CommonName = node
		if got, err := Node(cert); err == nil {
			t.Errorf("%q: a certificate without its URI is %q's", node, got)
		}
		cert.URIs = append(cert.URIs, AgentURI(node))
		if got, err := Node(cert); err != nil || got != node {
			t.Errorf("%q: got %q, %v", node, got, err)
		}
		cert.URIs[0] = AgentURI(node + "2")
		if got, err := Node(cert); err == nil {
			t.Errorf("%q: a certificate of two names is %q's", node, got)
		}
	}
	for _, node := range []string{"", "a\nb", "\x00", "\xff", strings.Repeat("n", maxNode+1)} {
		if CheckNode(node) == nil {
			t.Errorf("taken: %q", node)
		}
	}
}
