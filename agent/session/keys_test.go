package session

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/secret"
)

func newIdentity(t *testing.T) *hybrid.Identity {
	id, err := hybrid.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// same says whether two agents are one to their peers.
func same(a, b Keys) bool {
	return a.Identity.Public().Fingerprint() == b.Identity.Public().Fingerprint() && a.WireGuard.Equal(b.WireGuard)
}

// decimals is how fmt prints bytes.
func decimals(b []byte) string {
	var words []string
	for _, v := range b {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, " ")
}

// secretsOf are the ways in which the secrets of the file may be written.
func secretsOf(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var forms []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		b := block.Bytes[len(block.Bytes)%secret.Size:] // without the version
		for ; len(b) > 0; b = b[secret.Size:] {
			forms = append(forms, string(b[:8]), hex.EncodeToString(b[:8]), strings.ToUpper(hex.EncodeToString(b[:8])),
				base64.StdEncoding.EncodeToString(b[:9]), decimals(b[:6]))
		}
	}
	if len(forms) != 15 {
		t.Fatalf("%d forms of three secrets", len(forms))
	}
	return forms
}

// An agent is the same to its peers through restarts, renewals and
// enrolments, and tells nobody its secrets.
func TestKeysStay(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, o)
	cert := c.session().cert
	keys, log := a.client.Keys(), a.log
	if err := hybrid.CheckBinding(cert, keys.Identity.Public()); err != nil {
		t.Error(err)
	}
	if ca := a.client.Authority(); !ca.Equal(c.ca) {
		t.Errorf("enrolled with %v", ca)
	}
	a.stop()
	c.mu.Lock()
	if !bytes.Equal(c.wireGuard, keys.WireGuardPublic()) || len(c.wireGuard) != 32 {
		t.Errorf("WireGuard key %x, the controller got %x", keys.WireGuardPublic(), c.wireGuard)
	}
	c.mu.Unlock()
	file := filepath.Join(o.Dir, keysFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Dir, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if !strings.Contains(log.String(), keys.Identity.Public().Fingerprint().String()) {
		t.Error("the log does not say which identity")
	}

	for _, o.Token = range []rpc.Token{c.token(1), {}, c.token(2)} {
		b := start(t, o)
		c.session()
		if !same(b.client.Keys(), keys) {
			t.Error("another identity after a restart")
		}
		b.stop()
		fmt.Fprint(log, b.log)
	}
	if c.renewals > 0 {
		t.Errorf("%d renewals of certificates that bind the identity", c.renewals)
	}
	for _, v := range []any{keys, &keys, a.client, a.client.state, *keys.Identity, keys.Identity.Public()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			fmt.Fprintf(log, verb+"\n", v)
		}
	}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = log.Write(text)
	for _, s := range secretsOf(t, file) {
		if strings.Contains(log.String(), s) {
			t.Errorf("%q is in the log", s)
		}
	}
}

// A state directory from before there were identities: the agent makes one
// and has it bound at once, by one renewal.
func TestUpgrade(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t)}
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	old := state{dir: o.Dir}
	if err := old.renewed(identity{key: key, cert: c.sign("tyo1", &key.PublicKey, nil), ca: c.ca}); err != nil {
		t.Fatal(err)
	}
	a := start(t, o)
	if ca := a.client.Authority(); !ca.Equal(c.ca) {
		t.Errorf("enrolled with %v", ca)
	}
	if first := c.session(); !first.cert.Equal(old.identity.cert) {
		t.Error("the first session is not with the certificate that there was")
	}
	second := c.session()
	if err := hybrid.CheckBinding(second.cert, a.client.Keys().Identity.Public()); err != nil {
		t.Error(err)
	}
	_ = second.Send(config(1)) // it stands
	wait(t, "a config", a.in)
	a.stop()
	if c.renewals != 1 || c.enrols != 0 || strings.Contains(a.log.String(), "level=WARN") {
		t.Errorf("%d renewals, %d enrolments:\n%s", c.renewals, c.enrols, a.log)
	}
}

// An agent that lost its keys says so and goes on without lanes, until a
// token gives it its new identity.
func TestLostKeys(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, o)
	c.session()
	a.stop()
	if err := os.Remove(filepath.Join(o.Dir, keysFile)); err != nil {
		t.Fatal(err)
	}
	b := start(t, o)
	s := c.session()
	b.wantLog("level=WARN", "certificate not renewed", "another identity")
	_ = s.Send(config(1))
	wait(t, "a config", b.in)
	b.stop()
	if c.renewals != 1 || same(a.client.Keys(), b.client.Keys()) {
		t.Errorf("%d renewals", c.renewals)
	}
	o.Token = c.token(2)
	b = start(t, o)
	if err := hybrid.CheckBinding(c.session().cert, b.client.Keys().Identity.Public()); err != nil {
		t.Error(err)
	}
}

// A damaged file is no reason to become somebody else.
func TestBadKeys(t *testing.T) {
	c := newController(t)
	good := filepath.Join(t.TempDir(), keysFile)
	keys, err := openKeys(good)
	if err != nil {
		t.Fatal(err)
	}
	text := string(keys.marshal())
	middle := strings.Index(text, "-----BEGIN "+wireGuardBlock)
	first, second := text[:middle], text[middle:]
	block := func(kind string, body []byte, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body, Headers: headers}))
	}
	for name, spoil := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"mode": {text, 0o640}, "empty": {"", 0o600}, "cut": {text[:len(text)-10], 0o600}, "no WireGuard key": {first, 0o600},
		"no identity": {second, 0o600}, "in the other order": {second + first, 0o600}, "a third block": {text + second, 0o600},
		"text before": {"x\n" + text, 0o600}, "text between": {first + "x\n" + second, 0o600}, "text behind": {text + "x", 0o600},
		"short WireGuard key": {first + block(wireGuardBlock, make([]byte, 31), nil), 0o600},
		"long WireGuard key":  {first + block(wireGuardBlock, make([]byte, 33), nil), 0o600},
		"another kind":        {first + block("PRIVATE KEY", keys.WireGuard.Bytes(), nil), 0o600},
		"headers":             {first + block(wireGuardBlock, keys.WireGuard.Bytes(), map[string]string{"A": "b"}), 0o600},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, keysFile)
		if err := os.WriteFile(file, []byte(spoil.text), spoil.mode); err != nil {
			t.Fatal(err)
		}
		_, err := New(Options{Node: "tyo1", Dir: dir, Token: c.token(1)})
		if err == nil || !strings.Contains(err.Error(), keysFile) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range secretsOf(t, good) {
			if strings.Contains(err.Error(), s) {
				t.Errorf("%s: the error quotes the file: %v", name, err)
			}
		}
		if after, _ := os.ReadFile(file); string(after) != spoil.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if again, err := openKeys(good); err != nil || !same(again, keys) {
		t.Error(err)
	}
}

func FuzzKeys(f *testing.F) {
	keys, err := openKeys(filepath.Join(f.TempDir(), keysFile))
	if err != nil {
		f.Fatal(err)
	}
	text := keys.marshal()
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add(bytes.ReplaceAll(text, []byte(wireGuardBlock), []byte("PRIVATE KEY")))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		if err != nil {
			return
		}
		if again, err := parseKeys(keys.marshal()); err != nil || !same(again, keys) || len(again.WireGuardPublic()) != 32 {
			t.Error(err)
		}
	})
}
