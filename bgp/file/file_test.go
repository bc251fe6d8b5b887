package file

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/transport"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func TestErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := parse(file, data, transport.ReadPassword)
		return err
	})
}

// TestRead: every field arrives, and the password with it, unseen.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "bgp.yaml"), string(data), 0o644)
	write(t, filepath.Join(dir, "rr1.password"), "sesame\n", 0o600)
	f, err := Read(filepath.Join(dir, "bgp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := transport.NewPassword([]byte("sesame"))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Peers[0].Password.Equal(secret) || f.Peers[1].Password.Present() {
		t.Error("the passwords are not those of the files")
	}
	if text := fmt.Sprintf("%+v %#v", f, f); strings.Contains(text, "sesame") {
		t.Error(text)
	}
	f.Peers[0].Password = transport.Password{}
	want := &File{
		Name: "tokyo",
		Speaker: bgp.Config{AS: 65000, ID: netip.MustParseAddr("10.0.0.1"), RestartTime: 2 * time.Minute,
			Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:179"), netip.MustParseAddrPort("[::]:179")}},
		Peers: []Peer{
			{Peer: bgp.Peer{Name: "rr1", Address: netip.MustParseAddr("2001:db8::1"), AS: 65000,
				Families: []message.Family{message.LinkState, message.IPv6SRPolicy, message.IPv4Unicast, message.IPv6Unicast},
				Limits:   bgp.Limits{Objects: 500_000, Updates: 5000, Burst: 500_000, Faults: 1000}}},
			{Node: "tyo1", Peer: bgp.Peer{Name: "tyo1", Address: netip.MustParseAddr("10.0.0.2"), Port: 1790, LocalAddress: netip.MustParseAddr("10.0.0.1"),
				AS: 65001, Families: []message.Family{message.IPv6SRPolicy, message.IPv4SRPolicy}, Passive: true, HoldTime: 9 * time.Second, TTLSecurity: 1}},
		},
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v\nwant %+v", f, want)
	}
	if !f.Peers[0].Reflects() || f.Peers[1].Reflects() {
		t.Error("a peer that is a node is no reflector, one that carries SR Policies and is none, is one")
	}
}

// TestReadRefuses what must not be read, and says where.
func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "bgp.yaml")
	if _, err := Read(name); err == nil || !strings.Contains(err.Error(), name) {
		t.Error(err)
	}
	write(t, name, strings.Repeat("#\n", maxSize), 0o644)
	if _, err := Read(name); err == nil || !strings.Contains(err.Error(), "more than 4 MiB") {
		t.Error(err)
	}
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(data), 0o644)
	write(t, filepath.Join(dir, "rr1.password"), "sesame", 0o644)
	_, err = Read(name)
	if err == nil || !strings.Contains(err.Error(), "bgp.yaml:15: spec.peers[0].passwordFile: ") || !strings.Contains(err.Error(), "chmod 600") || strings.Contains(err.Error(), "sesame") {
		t.Error(err)
	}
}

// FuzzParse: whatever a file says, it is refused with a line or makes a speaker
// that takes it.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("apiVersion: keiro/v1\nkind: BGP\nmetadata: {name: x}\nspec: {as: 1, routerID: 1.1.1.1, peers: [{families: [x], limits: {objects: -1}}]}"))
	secret, err := transport.NewPassword([]byte("sesame"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse("bgp.yaml", data, func(string) (transport.Password, error) { return secret, nil })
		switch {
		case err != nil && (!strings.HasPrefix(err.Error(), "bgp.yaml:") || strings.Contains(err.Error(), "sesame")):
			t.Fatal(err)
		case err == nil && len(bgp.Mistakes(file.Speaker, file.Sessions())) > 0:
			t.Fatalf("%+v is taken", file)
		}
	})
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}
