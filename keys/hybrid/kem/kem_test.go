package kem

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

// hexBytes is hexadecimal in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(file, err)
	}
}

// seeded is a reader of randomness that is the same every time.
func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func mustScheme(t testing.TB, s Suite) Scheme {
	t.Helper()
	scheme, err := s.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	return scheme
}

// TestXWingVectors: those of the draft, through our functions.
func TestXWingVectors(t *testing.T) {
	var vectors []struct{ Seed, Eseed, SS, SK, PK, CT hexBytes }
	load(t, "xwing.json", &vectors)
	if len(vectors) != 3 {
		t.Fatalf("%d vectors", len(vectors))
	}
	scheme := mustScheme(t, XWing)
	for i, v := range vectors {
		if !bytes.Equal(v.Seed, v.SK) {
			t.Errorf("%d: the private key is not the seed", i)
		}
		open, key, err := scheme.NewKey(bytes.NewReader(v.Seed))
		if err != nil || !bytes.Equal(key, v.PK) {
			t.Errorf("%d: public key differs, %v", i, err)
		}
		shared, ciphertext, err := scheme.Encapsulate(bytes.NewReader(v.Eseed), v.PK)
		if err != nil || !bytes.Equal(shared, v.SS) || !bytes.Equal(ciphertext, v.CT) {
			t.Errorf("%d: encapsulation differs, %v", i, err)
		}
		shared, err = open(v.CT)
		if err != nil || !bytes.Equal(shared, v.SS) {
			t.Errorf("%d: decapsulation differs, %v", i, err)
		}
	}
}

type wycheproof struct {
	TestGroups []struct {
		ParameterSet string
		Tests        []struct {
			TcID        int
			Comment     string
			Seed, EK, M hexBytes
			C, K        hexBytes
			Result      string
		}
	}
}

var mlkemSchemes = map[string]kem.Scheme{"ML-KEM-768": mlkem768.Scheme(), "ML-KEM-1024": mlkem1024.Scheme()}

// TestMLKEMDecapsulation: Wycheproof, on the library's ML-KEM that both suites
// use.
func TestMLKEMDecapsulation(t *testing.T) {
	for _, file := range []string{"mlkem_768_decaps.json", "mlkem_1024_decaps.json"} {
		var w wycheproof
		load(t, file, &w)
		valid, invalid := 0, 0
		for _, g := range w.TestGroups {
			scheme := mlkemSchemes[g.ParameterSet]
			for _, v := range g.Tests {
				got, err := decapsulate(scheme, v.Seed, v.EK, v.C)
				switch v.Result {
				case "valid":
					valid++
					if err != nil || !bytes.Equal(got, v.K) {
						t.Errorf("%s %d %s: %v", file, v.TcID, v.Comment, err)
					}
				default:
					invalid++
					if err == nil {
						t.Errorf("%s %d %s: accepted", file, v.TcID, v.Comment)
					}
				}
			}
		}
		if valid < 5 || invalid < 5 {
			t.Errorf("%s: %d valid, %d invalid", file, valid, invalid)
		}
	}
}

func decapsulate(scheme kem.Scheme, seed, wantKey, ciphertext []byte) ([]byte, error) {
	if len(seed) != scheme.SeedSize() {
		return nil, kem.ErrSeedSize
	}
	public, private := scheme.DeriveKeyPair(seed)
	key, err := public.MarshalBinary()
	if err != nil || !bytes.Equal(key, wantKey) {
		return nil, fmt.Errorf("public key differs, %w", errors.Join(err, kem.ErrPubKey))
	}
	return scheme.Decapsulate(private, ciphertext)
}

// TestMLKEMEncapsulation: Wycheproof; the invalid ones are keys that are not
// reduced or have a wrong length.
func TestMLKEMEncapsulation(t *testing.T) {
	for _, file := range []string{"mlkem_768_encaps.json", "mlkem_1024_encaps.json"} {
		var w wycheproof
		load(t, file, &w)
		valid, invalid := 0, 0
		for _, g := range w.TestGroups {
			scheme := mlkemSchemes[g.ParameterSet]
			for _, v := range g.Tests {
				public, err := scheme.UnmarshalBinaryPublicKey(v.EK)
				if v.Result != "valid" {
					invalid++
					if err == nil {
						t.Errorf("%s %d %s: accepted", file, v.TcID, v.Comment)
					}
					refuseBadKey(t, g.ParameterSet, v.EK, v.TcID)
					continue
				}
				valid++
				if err != nil {
					t.Errorf("%s %d: %v", file, v.TcID, err)
					continue
				}
				c, k, err := scheme.EncapsulateDeterministically(public, v.M)
				if err != nil || !bytes.Equal(c, v.C) || !bytes.Equal(k, v.K) {
					t.Errorf("%s %d %s: differs, %v", file, v.TcID, v.Comment, err)
				}
			}
		}
		if valid < 5 || invalid < 5 {
			t.Errorf("%s: %d valid, %d invalid", file, valid, invalid)
		}
	}
}

// refuseBadKey gives the invalid ML-KEM key to our suite, with a good X25519
// key beside it.
func refuseBadKey(t *testing.T, parameterSet string, key []byte, id int) {
	t.Helper()
	suite := map[string]Suite{"ML-KEM-768": XWing, "ML-KEM-1024": X25519MLKEM1024}[parameterSet]
	scheme := mustScheme(t, suite)
	_, good, err := scheme.NewKey(seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	bad := append(bytes.Clone(key), good[len(good)-x25519Size:]...)
	if _, _, err := scheme.Encapsulate(seeded(2), bad); !errors.Is(err, ErrRefuse) {
		t.Errorf("%v %d: %v", suite, id, err)
	}
}

func TestSuites(t *testing.T) {
	for _, suite := range []Suite{XWing, X25519MLKEM1024} {
		scheme := mustScheme(t, suite)
		open, key, err := scheme.NewKey(seeded(1))
		if err != nil || len(key) != scheme.KeySize {
			t.Fatal(suite, err, len(key))
		}
		shared, ciphertext, err := scheme.Encapsulate(seeded(2), key)
		if err != nil || len(shared) != 32 || len(ciphertext) != scheme.CiphertextSize {
			t.Fatal(suite, err)
		}
		if got, err := open(ciphertext); err != nil || !bytes.Equal(got, shared) {
			t.Errorf("%v: the ends differ, %v", suite, err)
		}
		// Each byte that is changed, in the half of either primitive, gives
		// another secret (or, of X25519, may give an error).
		for _, at := range []int{0, 500, len(ciphertext) - 32 - 1, len(ciphertext) - 32, len(ciphertext) - 2} {
			tampered := bytes.Clone(ciphertext)
			tampered[at] ^= 4
			if got, err := open(tampered); err == nil && bytes.Equal(got, shared) {
				t.Errorf("%v: byte %d of the ciphertext does not count", suite, at)
			}
		}
		for _, n := range []int{0, 1, len(ciphertext) - 1, len(ciphertext) + 1} {
			if _, err := open(make([]byte, n)); !errors.Is(err, ErrRefuse) {
				t.Errorf("%v: ciphertext of %d bytes: %v", suite, n, err)
			}
		}
		for _, n := range []int{0, 1, len(key) - 1, len(key) + 1} {
			if _, _, err := scheme.Encapsulate(seeded(2), make([]byte, n)); !errors.Is(err, ErrRefuse) {
				t.Errorf("%v: key of %d bytes: %v", suite, n, err)
			}
		}
		if _, _, err := scheme.NewKey(bytes.NewReader(nil)); err == nil {
			t.Errorf("%v: a key of no randomness", suite)
		}
		if _, _, err := scheme.Encapsulate(bytes.NewReader(nil), key); err == nil {
			t.Errorf("%v: a secret of no randomness", suite)
		}
		if printed := fmt.Sprintf("%v %+v %#v", open, scheme, suite); strings.Contains(printed, "[") {
			t.Errorf("%v prints %s", suite, printed)
		}
	}
	for _, s := range []Suite{0, 3, 255} {
		if _, err := s.Scheme(); !errors.Is(err, ErrSuite) {
			t.Errorf("suite %d exists", s)
		}
	}
}

// TestLowOrderPoint: all of the points whose X25519 result is zero (RFC 7748
// section 6.1) that a sender could choose are refused by our own combination.
func TestLowOrderPoint(t *testing.T) {
	scheme := mustScheme(t, X25519MLKEM1024)
	open, key, err := scheme.NewKey(seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	_, ciphertext, err := scheme.Encapsulate(seeded(2), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		p, _ := hex.DecodeString(point)
		badKey := append(bytes.Clone(key[:mlkem1024.PublicKeySize]), p...)
		if _, _, err := scheme.Encapsulate(seeded(2), badKey); !errors.Is(err, ErrRefuse) {
			t.Errorf("key %s: %v", point, err)
		}
		badCiphertext := append(bytes.Clone(ciphertext[:mlkem1024.CiphertextSize]), p...)
		if _, err := open(badCiphertext); !errors.Is(err, ErrRefuse) {
			t.Errorf("ciphertext %s: %v", point, err)
		}
	}
}

// TestCombinerCoversEverything: a change in any of its inputs changes the
// secret.
func TestCombinerCoversEverything(t *testing.T) {
	in := [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 1600), bytes.Repeat([]byte{4}, 1600)}
	base := combine1024(in[0], in[1], in[2], in[3])
	// Of another implementation (Python's hashlib) over what docs/key-epochs.md says.
	const want = "c745e2cb900b636d2e0c404e092183d1c9af6e38ec3e101ea39e25346f63efa0"
	if got := hex.EncodeToString(base); got != want {
		t.Errorf("got %s", got)
	}
	for i := range in {
		for _, at := range []int{0, len(in[i]) - 1} {
			in[i][at] ^= 1
			if bytes.Equal(combine1024(in[0], in[1], in[2], in[3]), base) {
				t.Errorf("input %d, byte %d does not count", i, at)
			}
			in[i][at] ^= 1
		}
	}
}

func BenchmarkKEM(b *testing.B) {
	for _, suite := range []Suite{XWing, X25519MLKEM1024} {
		scheme := mustScheme(b, suite)
		open, key, err := scheme.NewKey(seeded(1))
		if err != nil {
			b.Fatal(err)
		}
		_, ciphertext, err := scheme.Encapsulate(seeded(2), key)
		if err != nil {
			b.Fatal(err)
		}
		random := seeded(3)
		b.Run(suite.String()+"/generate", func(b *testing.B) {
			for b.Loop() {
				_, _, _ = scheme.NewKey(random)
			}
		})
		b.Run(suite.String()+"/encapsulate", func(b *testing.B) {
			for b.Loop() {
				_, _, _ = scheme.Encapsulate(random, key)
			}
		})
		b.Run(suite.String()+"/decapsulate", func(b *testing.B) {
			for b.Loop() {
				_, _ = open(ciphertext)
			}
		})
	}
}
