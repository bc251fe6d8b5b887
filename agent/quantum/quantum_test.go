package quantum

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/keying"
	"github.com/keiro-net/keiro/keys/qkd"
)

var _ keying.Quantum = (*KME)(nil)

// site is a KME of one test, with the files that describe it.
type site struct {
	dir string

	mu     sync.Mutex
	stored map[string]int // by slave SAE; not there: it is refused
	dry    bool           // it has no key, whatever its status says
	keys   map[string][]byte
	asked  []string // names in certificates of those that asked
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), stored: map[string]int{}, keys: map[string][]byte{}}
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.write(t, "ca.pem", "CERTIFICATE", server.Certificate().Raw)
	s.certify(t, "tyo1")
	s.describe(t, map[string]any{"url": server.URL, "kme": "example.com", "ca": "ca.pem", "certificate": "sae.pem", "key": "sae.key", "poll": "20ms"})
	return s
}

func (s *site) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certify makes the SAE's certificate anew.
func (s *site) certify(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "sae.key", "PRIVATE KEY", der)
	s.write(t, "sae.pem", "CERTIFICATE", cert)
}

func (s *site) describe(t *testing.T, fields map[string]any) {
	t.Helper()
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "kme.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.TLS.PeerCertificates[0].Subject.CommonName
	s.asked = append(s.asked, name)
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/keys/"), "/")
	slave, op := parts[0], parts[1]
	w.Header().Set("Content-Type", "application/json")
	stored, known := s.stored[slave]
	switch {
	case !known:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"message": "the slave SAE is not known"}`)
	case op == "status":
		fmt.Fprintf(w, `{"source_KME_ID": "example.com", "target_KME_ID": "x", "master_SAE_ID": %q, "slave_SAE_ID": %q, "key_size": 256,
			"stored_key_count": %d, "max_key_count": 1000, "max_key_per_request": 8, "max_key_size": 256, "min_key_size": 256, "max_SAE_ID_count": 0}`, name, slave, stored)
	case op == "enc_keys" && s.dry:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"message": "no key"}`)
	case op == "enc_keys":
		id, key := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.keys)+1), make([]byte, 32)
		_, _ = rand.Read(key)
		s.keys[id] = key
		s.answer(w, id)
	default:
		var want struct {
			IDs []struct {
				ID string `json:"key_ID"`
			} `json:"key_IDs"`
		}
		_ = json.NewDecoder(r.Body).Decode(&want)
		s.answer(w, want.IDs[0].ID)
	}
}

func (s *site) answer(w http.ResponseWriter, id string) {
	fmt.Fprintf(w, `{"keys": [{"key_ID": %q, "key": %q}]}`, id, base64.StdEncoding.EncodeToString(s.keys[id]))
}

// set makes the KME have so many keys for a slave.
func (s *site) set(slave string, keys int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored[slave] = keys
}

// start makes the KME's client of this node and has it ask.
func (s *site) start(t *testing.T) *KME {
	t.Helper()
	f, err := Load(filepath.Join(s.dir, "kme.json"), "tyo1")
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(Options{File: f, Interval: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return k
}

// becomes waits until the stores are these, each as `peer state known reason`.
func becomes(t *testing.T, k *KME, want ...string) {
	t.Helper()
	var got []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		got = nil
		for _, s := range k.Stores() {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %t %s", s.Peer, s.State, s.Known, s.Reason)))
		}
		if slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("stores\n%q, want\n%q", got, want)
}

// Stores are those that matter, each as its KME says, and a lane is to drain
// when its store is low, before it is dry.
func TestStores(t *testing.T) {
	s := newSite(t)
	s.describeMore(t, "peers", map[string]string{"osa1": "sae of osa1"})
	s.set("sae of osa1", 100)
	k := s.start(t)
	if got := k.Stores(); len(got) != 0 {
		t.Errorf("nothing is watched: %+v", got)
	}
	k.Watch(map[string]int{"osa1": 2}, []string{"nag1", "osa1"})
	const foreign = `qkd: status at KME "example.com": refused (HTTP 400): "the slave SAE is not known"`
	becomes(t, k, "nag1 none false nobody knows how many there are: "+foreign, "osa1 enough true")
	if why := k.Drain("osa1"); why != "" {
		t.Error(why)
	}
	if why, want := k.Drain("nag1"), "QKD keys shared with nag1: nobody knows how many there are: "+foreign; why != want {
		t.Errorf("%s, want %s", why, want)
	}
	// Seventy keys were taken within four epochs at the most: so fast, 30 last
	// less than fifteen.
	s.set("sae of osa1", 30)
	s.set("nag1", 500)
	becomes(t, k, "nag1 enough true", "osa1 low true the store is low: 30 left, for 2m0s")
	if why, want := k.Drain("osa1"), "QKD keys shared with osa1: the store is low: 30 left, for 2m0s"; why != want {
		t.Errorf("%s, want %s", why, want)
	}
	s.set("sae of osa1", 0)
	becomes(t, k, "nag1 enough true", "osa1 none true none is left")
	if n := k.Faults()["refused"]; n == 0 {
		t.Error("no fault is counted")
	}
	select {
	case <-k.Changes():
	default:
		t.Error("nobody is told")
	}
	// A KME that is away: its last word is good for a while.
	k.Watch(map[string]int{}, []string{"nag1"})
	becomes(t, k, "nag1 enough true")
	s.mu.Lock()
	delete(s.stored, "nag1")
	s.mu.Unlock()
	becomes(t, k, "nag1 none false nobody knows how many there are: "+foreign)
}

// Every lane takes keys of its own out of the store that all lanes between two
// nodes share, and those to two nodes of one SAE too: what lasts for one lane
// is low for three.
func TestLanesShareAStore(t *testing.T) {
	s := newSite(t)
	s.describeMore(t, "peers", map[string]string{"osa1": "osa", "osa2": "osa"})
	s.set("osa", 34)
	k := s.start(t)
	const low = "low true the store is low: 34 left, for 10m0s"
	for _, tt := range []struct {
		lanes map[string]int
		want  []string
	}{
		{map[string]int{"osa1": 1}, []string{"osa1 enough true"}},
		{map[string]int{"osa1": 3}, []string{"osa1 " + low}},
		{map[string]int{}, nil},
		{map[string]int{"osa2": 1}, []string{"osa2 enough true"}},
		{map[string]int{"osa1": 1, "osa2": 2}, []string{"osa1 " + low, "osa2 " + low}},
	} {
		k.Watch(tt.lanes, nil)
		becomes(t, k, tt.want...)
	}
}

func (s *site) describeMore(t *testing.T, field string, value any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "kme.json"))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	fields[field] = value
	s.describe(t, fields)
}

// Keys come by both ways, and a KME without one has none, whatever its status
// says.
func TestKeys(t *testing.T) {
	s := newSite(t)
	s.describeMore(t, "poll", "1h")
	s.set("osa1", 100)
	k := s.start(t)
	k.Watch(map[string]int{"osa1": 1}, nil)
	becomes(t, k, "osa1 enough true")
	id, key, err := k.Key(t.Context(), "osa1")
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	sent := s.keys[id]
	s.mu.Unlock()
	if !slices.Equal(key.Bytes(), sent) {
		t.Error("another key than the KME's")
	}
	// The same again is a key that is spent, as is a name that is none.
	if _, err := k.KeyByID(t.Context(), "osa1", id); !errors.Is(err, qkd.ErrSpent) {
		t.Errorf("twice: %v", err)
	}
	if _, err := k.KeyByID(t.Context(), "osa1", "no UUID"); err == nil || !strings.Contains(err.Error(), `key_ID "no UUID" of osa1`) {
		t.Errorf("no name: %v", err)
	}
	other := "00000000-0000-4000-8000-00000000beef"
	s.mu.Lock()
	s.keys[other] = make([]byte, 32)
	s.mu.Unlock()
	if key, err := k.KeyByID(t.Context(), "osa1", other); err != nil || !key.Present() {
		t.Errorf("by name: %v", err)
	}
	s.mu.Lock()
	s.dry = true
	s.mu.Unlock()
	if _, _, err := k.Key(t.Context(), "osa1"); err == nil {
		t.Error("a key out of nothing")
	}
	becomes(t, k, "osa1 none true none is left") // though its status said 100
	if n := k.Faults(); n["refused"] == 0 || n["repeated"] != 1 {
		t.Errorf("faults %v", n)
	}
}

// A node without a KME says so of every store, and has no key.
func TestNone(t *testing.T) {
	k, err := New(Options{Interval: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	k.Watch(map[string]int{"osa1": 1}, []string{"nag1"})
	const none = "none false this node has no KME: its agent wants one with --kme"
	becomes(t, k, "nag1 "+none, "osa1 "+none)
	if why := k.Drain("osa1"); !strings.Contains(why, "this node has no KME") {
		t.Error(why)
	}
	_, _, err = k.Key(t.Context(), "osa1")
	_, other := k.KeyByID(t.Context(), "osa1", "00000000-0000-4000-8000-000000000001")
	if !errors.Is(err, errNone) || !errors.Is(other, errNone) || len(k.Faults()) > 0 {
		t.Errorf("%v, %v, %v", err, other, k.Faults())
	}
}

// A certificate that a site renews is used without a restart; while its files
// do not fit each other the one before is.
func TestRenewal(t *testing.T) {
	s := newSite(t)
	s.set("osa1", 100)
	s.describeMore(t, "sae", "tyo1")
	k := s.start(t)
	k.Watch(nil, []string{"osa1"})
	as := func(name string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			s.mu.Lock()
			asked := slices.Contains(s.asked, name)
			s.asked = nil
			s.mu.Unlock()
			if asked {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("nobody asks as %s", name)
			}
		}
	}
	as("tyo1")
	old, err := os.ReadFile(filepath.Join(s.dir, "sae.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.certify(t, "tyo1, renewed")
	fresh, err := os.ReadFile(filepath.Join(s.dir, "sae.key"))
	if err != nil {
		t.Fatal(err)
	}
	as("tyo1, renewed")
	if err := os.WriteFile(filepath.Join(s.dir, "sae.key"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	as("tyo1, renewed")
	if err := os.WriteFile(filepath.Join(s.dir, "sae.key"), fresh, 0o600); err != nil {
		t.Fatal(err)
	}
	as("tyo1, renewed")
}
