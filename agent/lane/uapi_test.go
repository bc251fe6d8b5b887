package lane

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/keiro-net/keiro/keys/secret"
)

func block(t *testing.T, text string) [][2]string {
	t.Helper()
	b, err := ReadBlock(bufio.NewReader(strings.NewReader(text + "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const answered = `own_public_key=0101010101010101010101010101010101010101010101010101010101010101
listen_port=51820
public_key=0202020202020202020202020202020202020202020202020202020202020202
protocol_version=1
endpoint=[fd00::b]:51821
last_handshake_time_sec=1700000000
last_handshake_time_nsec=5
tx_bytes=7
rx_bytes=8
persistent_keepalive_interval=25
allowed_ip=0.0.0.0/0
allowed_ip=::/0
errno=0
`

func key(b byte) (k PublicKey) { return PublicKey(bytes.Repeat([]byte{b}, 32)) }

func TestParseStatus(t *testing.T) {
	got, err := parseStatus(block(t, answered))
	want := Status{Public: key(1), Port: 51820, Peer: key(2), Endpoint: netip.MustParseAddrPort("[fd00::b]:51821"),
		Keepalive: 25 * time.Second, Handshake: time.Unix(1700000000, 5), Sent: 7, Received: 8}
	if err != nil || got != want {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	second := strings.Replace(answered, "errno", "public_key="+strings.Repeat("03", 32)+"\nerrno", 1)
	if s, err := parseStatus(block(t, second)); err != nil || !s.moreThanOne {
		t.Errorf("two peers: %+v, %v", s, err)
	}
	for _, less := range []string{"allowed_ip=::/0\n", "allowed_ip=0.0.0.0/0\n"} {
		if s, err := parseStatus(block(t, strings.Replace(answered, less, "", 1))); err != nil || !s.other {
			t.Errorf("without %q: %+v, %v", less, s, err)
		}
	}
	for _, bad := range []string{"listen_port=65536", "public_key=01", "public_key=" + strings.Repeat("zz", 32),
		"endpoint=here", "rx_bytes=-1", "last_handshake_time_sec=soon", "persistent_keepalive_interval=x"} {
		name, _, _ := strings.Cut(bad, "=")
		if _, err := parseStatus(block(t, bad+"\n")); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestReadBlock(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"cut off", "get=1\n", "unexpected EOF"},
		{"cut off in a line", "get", "unexpected EOF"},
		{"no value", "preshared_key\n\n", "line 1 is not key=value"},
		{"long line", strings.Repeat("a", 300) + "=1\n\n", "more than 256 bytes"},
		{"longer than the buffer", strings.Repeat("a", 10000) + "=1\n\n", "more than 256 bytes"},
		{"many lines", strings.Repeat("a=1\n", 65) + "\n", "more than 64 lines"},
	} {
		_, err := ReadBlock(bufio.NewReader(strings.NewReader(tt.text)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := ReadBlock(bufio.NewReader(strings.NewReader(""))); !errors.Is(err, io.EOF) {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzReadBlock(f *testing.F) {
	f.Add([]byte(answered + "\n"))
	f.Add([]byte("get=1\n\nset=1\nprivate_key=00\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), 4096)
		for range 100 {
			b, err := ReadBlock(r)
			if err != nil {
				return
			}
			if len(b) > maxLines {
				t.Fatalf("%d lines", len(b))
			}
			var again bytes.Buffer
			for _, line := range b {
				again.WriteString(line[0] + "=" + line[1] + "\n")
			}
			again.WriteByte('\n')
			if c, err := ReadBlock(bufio.NewReader(&again)); err != nil || !slices.Equal(b, c) {
				t.Fatalf("%q read as %q, %v", b, c, err)
			}
			_, _ = parseStatus(b)
		}
	})
}

func secretOf(b byte) secret.Key {
	k, err := secret.New(bytes.Repeat([]byte{b}, secret.Size))
	if err != nil {
		panic(err)
	}
	return k
}

func testConfig() Config {
	return Config{Private: secretOf(9), Port: 51820, Peer: Peer{
		Public: key(2), Endpoint: netip.MustParseAddrPort("[fd00::b]:51821"), Keepalive: 25 * time.Second,
		Preshared: secretOf(8)}}
}

// What differs is said, and nothing else: a port said again is bound again.
func TestChanges(t *testing.T) {
	c := testConfig()
	own, err := publicOf(c.Private)
	if err != nil {
		t.Fatal(err)
	}
	so := Status{Public: own, Port: 51820, Peer: key(2), Endpoint: c.Peer.Endpoint, Keepalive: c.Peer.Keepalive}
	anew := change{peer: true, endpoint: true, keepalive: true}
	for _, tt := range []struct {
		name string
		edit func(*Status)
		want change
	}{
		{"as wanted", func(*Status) {}, change{}},
		{"a handshake more", func(s *Status) { s.Handshake = time.Unix(1, 0) }, change{}},
		{"another private key", func(s *Status) { s.Public = key(7) }, change{private: true}},
		{"another port", func(s *Status) { s.Port = 1 }, change{port: true}},
		{"another peer", func(s *Status) { s.Peer = key(7) }, anew},
		{"no peer", func(s *Status) { s.Peer = PublicKey{} }, anew},
		{"a peer more", func(s *Status) { s.moreThanOne = true }, anew},
		{"other addresses", func(s *Status) { s.other = true }, anew},
		{"roamed", func(s *Status) { s.Endpoint = netip.MustParseAddrPort("[fd00::c]:1") }, change{endpoint: true}},
		{"other keepalive", func(s *Status) { s.Keepalive = 0 }, change{keepalive: true}},
	} {
		have := so
		tt.edit(&have)
		do := c.changes(have, own)
		if do != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, do, tt.want)
		}
		sameForKernel(t, tt.name, &c, do)
	}
}

// sameForKernel: the kernel is told what the helper is told.
func sameForKernel(t *testing.T, name string, c *Config, do change) {
	t.Helper()
	w := kernelConfig(c, do)
	var said []string
	add := func(when bool, what string) {
		if when {
			said = append(said, what)
		}
	}
	add(true, "set")
	add(w.PrivateKey != nil, "private_key")
	add(w.ListenPort != nil, "listen_port")
	add(w.ReplacePeers, "replace_peers")
	for _, p := range w.Peers {
		add(p.PublicKey == wgtypes.Key(c.Peer.Public), "public_key")
		add(p.PresharedKey != nil, "preshared_key")
		add(p.UpdateOnly, "update_only")
		add(p.Endpoint != nil, "endpoint")
		for range p.AllowedIPs {
			add(true, "allowed_ip")
		}
		add(p.PersistentKeepaliveInterval != nil, "persistent_keepalive_interval")
		if p.ReplaceAllowedIPs && !everything(p.AllowedIPs) {
			t.Errorf("%s: allowed %v", name, p.AllowedIPs)
		}
	}
	r := setRequest(c, do)
	if cap(r.b) != 2048 {
		t.Errorf("%s: the request grew, and left a copy of a secret behind", name)
	}
	b := block(t, string(r.b))
	if !slices.EqualFunc(b, said, func(line [2]string, what string) bool { return line[0] == what }) {
		t.Errorf("%s: the helper is told\n%s\nthe kernel %v", name, r.b, said)
	}
	r.erase()
	if len(bytes.Trim(r.b, "\x00")) != 0 {
		t.Errorf("%s: not erased: %q", name, r.b)
	}
}

func TestValidate(t *testing.T) {
	ok := testConfig()
	if err := ok.validate(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		want string
		edit func(*Config)
	}{
		{"private key", func(c *Config) { c.Private = secret.Key{} }},
		{"port", func(c *Config) { c.Port = 0 }},
		{"public key", func(c *Config) { c.Peer.Public = PublicKey{} }},
		{"endpoint", func(c *Config) { c.Peer.Endpoint = netip.AddrPort{} }},
		{"endpoint", func(c *Config) { c.Peer.Endpoint = netip.MustParseAddrPort("[fd00::b]:0") }},
		{"preshared", func(c *Config) { c.Peer.Preshared = secretOf(0) }},
		{"keepalive", func(c *Config) { c.Peer.Keepalive = time.Millisecond }},
		{"keepalive", func(c *Config) { c.Peer.Keepalive = 65536 * time.Second }},
	} {
		c := testConfig()
		tt.edit(&c)
		if err := c.validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.want, err)
		}
	}
}
