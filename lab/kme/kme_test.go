package kme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// still is a network whose clock stands.
func still(t testing.TB, c Config) *Network {
	t.Helper()
	c.Clock = func() time.Time { return start }
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzHandler: whatever is asked, the answer has a status of the standard, its
// body is JSON, and no store goes below zero.
func FuzzHandler(f *testing.F) {
	for _, r := range [][3]string{
		{"GET", "bob/status", ""}, {"GET", "bob/enc_keys?number=2&size=128", ""}, {"GET", "alice/dec_keys?key_ID=x", ""},
		{"POST", "bob/enc_keys", `{"number":1,"additional_slave_SAE_IDs":["carol"],"extension_mandatory":[{"keiro_max_relays":1}]}`},
		{"POST", "alice/dec_keys", `{"key_IDs":[{"key_ID":"x","key_ID_extension":{}}]}`},
		{"POST", "bob/enc_keys", `{"size":9223372036854775807,"number":9223372036854775807}`},
		{"PUT", "%2F/%", "\xff"},
	} {
		f.Add(r[0], r[1], []byte(r[2]))
	}
	n := still(f, chain())
	alice := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Subject: pkix.Name{CommonName: "alice"}}}}
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		u, err := url.Parse(prefix + path)
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", bytes.NewReader(body))
		r.Method, r.URL, r.TLS = method, u, alice
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler{n, 0}.ServeHTTP(w, r)
		answer := w.Result()
		if !slices.Contains([]int{200, 400, 401, 503}, answer.StatusCode) {
			t.Fatalf("status %d", answer.StatusCode)
		}
		if answer.StatusCode != 401 && (!json.Valid(w.Body.Bytes()) || answer.Header.Get("Content-Type") != "application/json") {
			t.Fatalf("body %q", w.Body)
		}
		for _, l := range n.links {
			if l.stored < 0 || l.stored > l.capacity {
				t.Fatalf("%d in store", l.stored)
			}
		}
	})
}

// TestAdvance: many steps of the clock make what one makes, to the bit.
func TestAdvance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(0, 1<<32).Draw(t, "rate")
		capacity := rapid.Int64Range(0, 1<<32).Draw(t, "capacity")
		steps := rapid.SliceOfN(rapid.Int64Range(0, int64(3*time.Second)), 0, 20).Draw(t, "steps")
		a := &link{rate: rate, capacity: capacity, last: start}
		b := &link{rate: rate, capacity: capacity, last: start}
		now := start
		for _, step := range steps {
			now = now.Add(time.Duration(step))
			a.advance(now)
		}
		b.advance(now)
		// What the many lose at the brim, the one never had.
		if a.stored != b.stored || a.stored < 0 || a.stored > capacity {
			t.Fatalf("%d and %d of %d", a.stored, b.stored, capacity)
		}
		a.advance(start) // a clock that goes back makes nothing
		if a.stored != b.stored {
			t.Fatal("made keys in the past")
		}
	})
}

// TestRelay: over any network, with any demands, the two ends of a key agree,
// those who saw it are the nodes of a way from one to the other, each link
// lost what the key took on it, and one that had too little gave nothing.
func TestRelay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := strings.Split("ABCDEF", "")
		var c Config
		for _, name := range names {
			c.Nodes = append(c.Nodes, Node{name, []string{"sae" + name}})
		}
		c.Seed = rapid.Uint64().Draw(rt, "seed")
		for range rapid.IntRange(1, 10).Draw(rt, "links") {
			ends := rapid.Permutation(names).Draw(rt, "ends")
			c.Links = append(c.Links, Link{A: ends[0], B: ends[1], Capacity: 2048, Stored: rapid.Int64Range(0, 2048).Draw(rt, "stored")})
		}
		n, again := still(t, c), still(t, c)
		for range 20 {
			ends := rapid.Permutation(names).Draw(rt, "from and to")
			from, to := n.find(ends[0]), n.find(ends[1])
			number, size := rapid.IntRange(1, 2).Draw(rt, "number"), 8*rapid.IntRange(8, 64).Draw(rt, "bytes")
			before, could := total(n), n.count(from, to, int64(size*number), n.inStore())
			keys, refused := n.enc(from, "sae"+ends[0], "sae"+ends[1], keyRequest{Number: &number, Size: &size})
			twin, _ := again.enc(from, "sae"+ends[0], "sae"+ends[1], keyRequest{Number: &number, Size: &size})
			if !slices.EqualFunc(keys, twin, func(a, b Key) bool { return a.ID == b.ID && bytes.Equal(a.Value, b.Value) }) {
				rt.Fatal("the same seed, other keys")
			}
			if (refused == nil) != (could > 0) {
				rt.Fatalf("%d keys said to be there, and %v", could, refused)
			}
			if refused != nil {
				if refused.status != 503 || total(n) != before {
					rt.Fatalf("%+v, %d of %d bits left", refused, total(n), before)
				}
				continue
			}
			saw := n.Saw(keys[0].ID)
			if saw[0] != ends[0] || saw[len(saw)-1] != ends[1] {
				rt.Fatalf("%v saw a key from %v to %v", saw, ends[0], ends[1])
			}
			for i := range saw[1:] {
				if _, err := n.between(saw[i], saw[i+1]); err != nil {
					rt.Fatal(err)
				}
			}
			if used := before - total(n); used != int64(number*size*(len(saw)-1)) {
				rt.Fatalf("%d bits used by %v", used, saw)
			}
			var ids []string
			for _, k := range keys {
				ids = append(ids, k.ID)
			}
			got, refused := n.dec(to, "sae"+ends[1], "sae"+ends[0], ids)
			if refused != nil || !slices.EqualFunc(keys, got, func(a, b Key) bool { return a.ID == b.ID && bytes.Equal(a.Value, b.Value) }) {
				rt.Fatal("the ends differ")
			}
		}
		if len(n.waiting) != 0 {
			rt.Fatal("a key that was fetched is still there")
		}
	})
}

func total(n *Network) (bits int64) {
	for _, l := range n.links {
		bits += l.stored
	}
	return bits
}

// TestPads: what goes over a link is never the key, and no bit of the store is
// used twice.
func TestPads(t *testing.T) {
	l := &link{a: 0, b: 1, stored: 1 << 20}
	for end := range l.pad {
		l.pad[end] = source(1, "link")
	}
	key := bytes.Repeat([]byte{0x5a}, 32)
	for range 3 {
		if !bytes.Equal(l.carry(key), key) {
			t.Fatal("the far end has another key")
		}
	}
	spy := source(1, "link")
	pads := map[string]bool{}
	for range 3 {
		var pad [32]byte
		_, _ = spy.Read(pad[:])
		pads[string(pad[:])] = true
	}
	if len(pads) != 3 || l.stored != 1<<20-3*256 {
		t.Errorf("%d pads, %d bits left", len(pads), l.stored)
	}
	// Ends that do not hold the same bits do not agree.
	l.pad[1] = source(2, "link")
	if bytes.Equal(l.carry(key), key) {
		t.Error("the key did not go through the pads")
	}
}

// TestBounds: what is remembered is bounded.
func TestBounds(t *testing.T) {
	c := chain()
	c.Nodes[0].SAEs = append(c.Nodes[0].SAEs, "anna")
	n := still(t, c)
	number := 128
	taken := 0
	for {
		keys, refused := n.enc(0, "alice", "anna", keyRequest{Number: &number})
		if refused != nil {
			if refused.status != 503 {
				t.Errorf("%+v", refused)
			}
			break
		}
		taken += len(keys)
	}
	if taken > maxWaiting || taken < maxWaiting-number {
		t.Errorf("%d keys wait", taken)
	}
	for i := range 2 * maxTraces {
		n.trace(strconv.Itoa(i), nil)
	}
	if len(n.traces) > maxTraces || len(n.traced) != maxTraces {
		t.Error("traces are unbounded")
	}
}

func TestNew(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"KME twice":    func(c *Config) { c.Nodes[1].KME = "A" },
		"no KME":       func(c *Config) { c.Nodes[1].KME = "" },
		"SAE twice":    func(c *Config) { c.Nodes[1].SAEs = []string{"alice"} },
		"no SAE":       func(c *Config) { c.Nodes[1].SAEs = []string{""} },
		"no such node": func(c *Config) { c.Links[0].B = "Z" },
		"self":         func(c *Config) { c.Links[0].B = "A" },
		"rate":         func(c *Config) { c.Links[0].Rate = -1 },
		"too full":     func(c *Config) { c.Links[0].Stored = c.Links[0].Capacity + 1 },
		"too large":    func(c *Config) { c.Links[0].Capacity = maxLink + 1 },
	} {
		c := chain()
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	n := still(t, chain())
	if n.SetRate("A", "C", 1) == nil || n.SetRate("A", "B", -1) == nil || n.Misbehave("Z") == nil || n.Misbehave("A", "badly") == nil {
		t.Error("an error is missing")
	}
	if _, err := n.Stored("A", "C"); err == nil || n.Saw("x") != nil {
		t.Error("an error is missing")
	}
	if err := n.Serve(t.Context(), "Z", nil, nil); err == nil {
		t.Error("an error is missing")
	}
}

// TestPEM: an identity read back from files is the same, and vouched for.
func TestPEM(t *testing.T) {
	ca, err := NewAuthority(start)
	if err != nil {
		t.Fatal(err)
	}
	id, err := ca.Issue("alice")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, authority, err := id.PEM()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil || pair.Leaf.Subject.CommonName != "alice" {
		t.Errorf("%v, %v", err, pair.Leaf.Subject)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: start}); err == nil {
		t.Error("an SAE may pass for a KME")
	}
}

// TestNoDetour: neighbours share the keys of their own link only, where that is
// asked for, and others those of any way; what a store has can be set.
func TestNoDetour(t *testing.T) {
	for _, tt := range []struct {
		noDetour            bool
		neighbours, distant int64
	}{{false, 5, 6}, {true, 2, 6}} {
		n := still(t, Config{
			NoDetour: tt.noDetour,
			Nodes:    []Node{{"A", []string{"a"}}, {"B", []string{"b"}}, {"C", []string{"c"}}, {"D", []string{"d"}}},
			Links: []Link{
				{A: "A", B: "B", Capacity: 2560, Stored: 512}, {A: "A", B: "C", Capacity: 2560, Stored: 2560},
				{A: "C", B: "B", Capacity: 2560, Stored: 768}, {A: "C", B: "D", Capacity: 2560, Stored: 2560},
			},
		})
		if err := n.SetStored("C", "D", 1536); err != nil {
			t.Fatal(err)
		}
		for slave, want := range map[string]int64{"b": tt.neighbours, "d": tt.distant} {
			if s, refused := n.status(0, "a", slave); refused != nil || s.Stored != want {
				t.Errorf("no detour is %t: a and %s share %+v, want %d", tt.noDetour, slave, s, want)
			}
		}
		for _, bits := range []int64{-1, 2561} {
			if err := n.SetStored("A", "B", bits); err == nil {
				t.Errorf("%d bits stored", bits)
			}
		}
		if err := n.SetStored("A", "D", 1); err == nil {
			t.Error("stored where no link is")
		}
	}
}
