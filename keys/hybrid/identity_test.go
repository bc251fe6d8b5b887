package hybrid

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type wycheproof struct {
	TestGroups []struct {
		PublicKey, PrivateSeed hexBytes
		Tests                  []struct {
			TcID          int
			Comment       string
			Msg, Ctx, Sig hexBytes
			Result        string
		}
	}
}

func load(t *testing.T, file string) (w wycheproof) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestMLDSAVerify: Wycheproof, on the library's ML-DSA-65.
func TestMLDSAVerify(t *testing.T) {
	count := map[string]int{}
	for _, g := range load(t, "mldsa_65_verify.json").TestGroups {
		for _, v := range g.Tests {
			var key mldsa65.PublicKey
			ok := key.UnmarshalBinary(g.PublicKey) == nil && mldsa65.Verify(&key, v.Msg, v.Ctx, v.Sig)
			if ok != (v.Result == "valid") {
				t.Errorf("%d %s: %v", v.TcID, v.Comment, ok)
			}
			count[v.Result]++
		}
	}
	if count["valid"] < 10 || count["invalid"] < 20 {
		t.Error(count)
	}
}

// TestMLDSASign: Wycheproof, deterministic signing from a seed.
func TestMLDSASign(t *testing.T) {
	signed := 0
	for _, g := range load(t, "mldsa_65_sign.json").TestGroups {
		public, private := mldsa65.NewKeyFromSeed((*[mldsa65.SeedSize]byte)(g.PrivateSeed))
		if !bytes.Equal(public.Bytes(), g.PublicKey) {
			t.Errorf("public key differs")
		}
		for _, v := range g.Tests {
			sig := make([]byte, mldsa65.SignatureSize)
			err := mldsa65.SignTo(private, v.Msg, v.Ctx, false, sig)
			if v.Result == "valid" {
				signed++
			}
			if valid := err == nil && bytes.Equal(sig, v.Sig); valid != (v.Result == "valid") {
				t.Errorf("%d %s: %v", v.TcID, v.Comment, err)
			}
		}
	}
	if signed < 8 {
		t.Errorf("%d signatures", signed)
	}
}

func TestSignatureNeedsBothHalves(t *testing.T) {
	a, b := mustGenerate(t, 1), mustGenerate(t, 2)
	message := []byte("message")
	good, other := a.sign("purpose", message), b.sign("purpose", message)
	if err := a.Public().verify("purpose", message, good); err != nil {
		t.Fatal(err)
	}
	join := func(classic, quantum []byte) []byte {
		return append(append([]byte(nil), classic[:ed25519.SignatureSize]...), quantum[ed25519.SignatureSize:]...)
	}
	flip := func(at int) []byte {
		s := bytes.Clone(good)
		s[at] ^= 1
		return s
	}
	for name, signature := range map[string][]byte{
		"Ed25519 wrong": flip(3), "ML-DSA wrong": flip(ed25519.SignatureSize + 3), "ML-DSA's last byte": flip(SignatureSize - 1),
		"Ed25519 of another": join(other, good), "ML-DSA of another": join(good, other), "both of another": other,
		"of another purpose": a.sign("other", message), "of another message": a.sign("purpose", []byte("massage")),
		"zeros": make([]byte, SignatureSize),
	} {
		if err := a.Public().verify("purpose", message, signature); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int{0, ed25519.SignatureSize, SignatureSize - 1, SignatureSize + 1} {
		if err := a.Public().verify("purpose", message, make([]byte, n)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	// Halves of two identities, joined into a third: what either half signed
	// for its own identity is worth nothing there.
	mixed, err := ParsePublic(append(a.Public().Bytes()[:ed25519.PublicKeySize], b.Public().Bytes()[ed25519.PublicKeySize:]...))
	if err != nil {
		t.Fatal(err)
	}
	if err := mixed.verify("purpose", message, join(good, other)); !errors.Is(err, ErrSignature) {
		t.Errorf("joined halves: %v", err)
	}
	if mixed.Fingerprint() == a.Public().Fingerprint() || mixed.Fingerprint() == b.Public().Fingerprint() {
		t.Error("the fingerprint covers one half only")
	}
}

func TestIdentityFiles(t *testing.T) {
	id := mustGenerate(t, 1)
	text := id.MarshalPrivate()
	back, err := ParsePrivate(text)
	if err != nil || len(text) > 250 || back.Public().Fingerprint() != id.Public().Fingerprint() {
		t.Fatal(err)
	}
	if !bytes.Equal(back.sign("p", nil), id.sign("p", nil)) {
		t.Error("signs differently")
	}
	block, _ := pem.Decode(text)
	encode := func(kind string, body []byte, headers map[string]string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body, Headers: headers})
	}
	version2 := bytes.Clone(block.Bytes)
	version2[0] = 2
	for name, c := range map[string]struct {
		text []byte
		want Refusal
	}{
		"empty":               {nil, ErrMalformed},
		"garbage":             {[]byte("garbage"), ErrMalformed},
		"of another kind":     {encode("PRIVATE KEY", block.Bytes, nil), ErrMalformed},
		"short":               {encode(privateBlock, block.Bytes[:64], nil), ErrMalformed},
		"long":                {encode(privateBlock, append(bytes.Clone(block.Bytes), 0), nil), ErrMalformed},
		"of a later version":  {encode(privateBlock, version2, nil), ErrVersion},
		"with headers":        {encode(privateBlock, block.Bytes, map[string]string{"A": "b"}), ErrMalformed},
		"with a second block": {append(bytes.Clone(text), text...), ErrMalformed},
		"after text":          {append([]byte("hello\n"), text...), ErrMalformed},
		"cut":                 {text[:len(text)-10], ErrMalformed},
	} {
		got, err := ParsePrivate(c.text)
		if got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), hexOf(block.Bytes[1:5])) || strings.Contains(err.Error(), string(text[50:60]))) {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
	for _, n := range []int{0, 32, PublicSize - 1, PublicSize + 1} {
		if _, err := ParsePublic(make([]byte, n)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// certificate makes a real one with the extensions.
func certificate(t *testing.T, extensions ...pkix.Extension) (*x509.Certificate, error) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), ExtraExtensions: extensions}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return x509.ParseCertificate(der)
}

func TestBinding(t *testing.T) {
	id, other := mustGenerate(t, 1), mustGenerate(t, 2)
	bound, err := Bind(id.Public().Fingerprint())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := certificate(t, bound)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := ReadBinding(cert); err != nil || f != id.Public().Fingerprint() {
		t.Errorf("%v, %v", f, err)
	}
	if err := CheckBinding(cert, id.Public()); err != nil {
		t.Error(err)
	}
	if err := CheckBinding(cert, other.Public()); !errors.Is(err, ErrIdentity) {
		t.Errorf("another identity: %v", err)
	}
	unbound, err := certificate(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckBinding(unbound, id.Public()); !errors.Is(err, ErrUnbound) {
		t.Errorf("no binding: %v", err)
	}
	twice := &x509.Certificate{Extensions: []pkix.Extension{bound, bound}} // x509 refuses to parse such a one
	if _, err := ReadBinding(twice); !errors.Is(err, ErrMalformed) {
		t.Errorf("two bindings: %v", err)
	}
	value := func(v any) []byte {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for name, c := range map[string]struct {
		value []byte
		want  Refusal
	}{
		"empty":              {nil, ErrMalformed},
		"short":              {value(binding{1, make([]byte, 31)}), ErrMalformed},
		"long":               {value(binding{1, make([]byte, 33)}), ErrMalformed},
		"of a later version": {value(binding{2, make([]byte, 32)}), ErrVersion},
		"with more behind":   {append(bytes.Clone(bound.Value), 0), ErrMalformed},
		"bare":               {make([]byte, 32), ErrMalformed},
		"with more inside": {value(struct {
			V    int
			F    []byte
			More int
		}{1, make([]byte, 32), 7}), ErrMalformed},
	} {
		cert, err := certificate(t, pkix.Extension{Id: BindingOID, Value: c.value})
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := ReadBinding(cert); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClaim(t *testing.T) {
	id, other := mustGenerate(t, 1), mustGenerate(t, 2)
	claim := id.Claim("aki", []byte("key"))
	if err := id.Public().CheckClaim("aki", []byte("key"), claim); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another node":     id.Public().CheckClaim("bea", []byte("key"), claim),
		"another key":      id.Public().CheckClaim("aki", []byte("kez"), claim),
		"another identity": other.Public().CheckClaim("aki", []byte("key"), claim),
		"moved bytes":      id.Public().CheckClaim("akik", []byte("ey"), claim),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParsePrivate(f *testing.F) {
	id, err := Generate(seeded(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id.MarshalPrivate())
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if id, err := ParsePrivate(text); err == nil {
			if again, err := ParsePrivate(id.MarshalPrivate()); err != nil || again.Public().Fingerprint() != id.Public().Fingerprint() {
				t.Error(err)
			}
		}
	})
}

func FuzzReadBinding(f *testing.F) {
	e, err := Bind(Fingerprint{1, 2, 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Value)
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := ReadBinding(&x509.Certificate{Extensions: []pkix.Extension{{Id: BindingOID, Value: value}}})
		if err != nil {
			return
		}
		if e, err := Bind(got); err != nil || !bytes.Equal(e.Value, value) {
			t.Errorf("%x is read as %x", value, e.Value)
		}
	})
}
