package control

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/agent/peer"
	"github.com/keiro-net/keiro/agent/session"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// member is an agent that keeps the last Config it got.
type member struct {
	*session.Client
	configs chan *nodecfg.Config
	stop    func()
}

func join(t *testing.T, node, dir string, token rpc.Token, log *lockedBuffer) *member {
	t.Helper()
	in, out := make(chan nodecfg.ToAgent), make(chan nodecfg.FromAgent)
	client, err := session.New(session.Options{
		Node: node, Address: "unix:" + filepath.Join(dir, "agents"), Dir: filepath.Join(dir, node), Token: token,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	m := &member{Client: client, configs: make(chan *nodecfg.Config, 100)}
	go func() { _ = client.Run(ctx, in, out); close(ended) }()
	go func() {
		for {
			select {
			case got := <-in:
				m.configs <- got.Config
			case <-ctx.Done():
				return
			}
		}
	}()
	m.stop = func() { cancel(); <-ended }
	t.Cleanup(m.stop)
	return m
}

// peerOf is how others know the node, as the controller package has it.
func (c *controller) peerOf(node string) nodecfg.Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[node]
	return nodecfg.Peer{Node: node, Certificate: a.Certificate, Identity: a.Identity, WireGuard: a.WireGuard}
}

// knows waits until the node is connected with an identity.
func (c *controller) knows(t *testing.T, node string) {
	t.Helper()
	for end := time.Now().Add(deadline); c.peerOf(node).Identity == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("node %s has no identity", node)
		}
	}
}

// told says whom the member believes of those that the controller lists.
func (m *member) told(t *testing.T, c *controller, peers ...nodecfg.Peer) (map[string]peer.Peer, []nodecfg.ObjectError) {
	t.Helper()
	c.fleet.Push("tyo1", &nodecfg.Config{Node: "tyo1", Revision: 1, Peers: peers})
	select {
	case cfg := <-m.configs:
		return peer.Verify(m.Authority(), cfg.Peers)
	case <-time.After(deadline):
		t.Fatal("no Config came")
	}
	return nil, nil
}

// is checks that what was believed is the very agent.
func is(t *testing.T, got peer.Peer, m *member) {
	t.Helper()
	keys := m.Keys()
	if got.Identity == nil || got.Identity.Fingerprint() != keys.Identity.Public().Fingerprint() ||
		!bytes.Equal(got.WireGuard[:], keys.WireGuardPublic()) {
		t.Errorf("believed: %+v", got)
	}
}

// Two real agents learn who the other is from a real controller, and go on
// knowing through restarts of all three; a controller that lies is not
// believed.
func TestIdentities(t *testing.T) {
	dir := t.TempDir()
	var log lockedBuffer
	c := startController(t, dir, &log)
	tyo := join(t, "tyo1", dir, token(t, c, "tyo1"), &log)
	c.want(t, "connected tyo1")
	osa := join(t, "osa1", dir, token(t, c, "osa1"), &log)
	c.want(t, "connected osa1")
	first := c.peerOf("osa1")
	good, refused := tyo.told(t, c, first)
	is(t, good["osa1"], osa)
	if len(refused) > 0 {
		t.Error(refused)
	}

	// The controller says that osa1 is somebody else: a node of its own
	// making, one of its fleet under another name, and one of another fleet.
	other := t.TempDir()
	liar := startController(t, other, &log)
	join(t, "osa1", other, token(t, liar, "osa1"), &log)
	liar.want(t, "connected osa1")
	made, err := hybrid.Generate(bytes.NewReader(bytes.Repeat([]byte("x"), 64)))
	if err != nil {
		t.Fatal(err)
	}
	join(t, "nag1", dir, token(t, c, "nag1"), &log)
	c.want(t, "connected nag1")
	mixed, renamed := first, c.peerOf("nag1")
	mixed.Identity = made.Public().Bytes()
	renamed.Node = "osa1"
	good, refused = tyo.told(t, c, mixed, renamed, liar.peerOf("osa1"))
	if len(good) > 0 || len(refused) != 3 {
		t.Fatalf("believed: %+v, refused: %+v", good, refused)
	}
	for n, reason := range []string{"another fleet", `"nag1"`, "not of this fleet's authority"} {
		if refused[n].Object != "peer osa1" || !strings.Contains(refused[n].Error, reason) {
			t.Errorf("%+v, want %q", refused[n], reason)
		}
	}

	// All start again, and are who they were.
	tyo.stop()
	osa.stop()
	c.stop()
	c = startController(t, dir, &log)
	if tyo = join(t, "tyo1", dir, rpc.Token{}, &log); !tyo.Authority().Equal(c.ca.Certificate()) {
		t.Error("the agent does not know its authority before its first session")
	}
	osa = join(t, "osa1", dir, rpc.Token{}, &log)
	c.knows(t, "tyo1")
	c.knows(t, "osa1")
	good, _ = tyo.told(t, c, c.peerOf("osa1"))
	is(t, good["osa1"], osa)
	if !reflect.DeepEqual(c.peerOf("osa1"), first) {
		t.Error("the controller knows osa1 as somebody else after the restart")
	}

	for _, node := range []string{"tyo1", "osa1", "nag1"} {
		text, err := os.ReadFile(filepath.Join(dir, node, "lane-keys.pem"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "-----") && strings.Contains(log.String(), strings.TrimSpace(line)) {
				t.Errorf("secrets of %s are in the log", node)
			}
		}
	}
}

// An agent and a record from before there were identities: the agent is
// connected as nobody, and at once again as somebody, who stays.
func TestOldFleetGetsIdentities(t *testing.T) {
	dir := t.TempDir()
	var log lockedBuffer
	c := startController(t, dir, &log)
	tyo := join(t, "tyo1", dir, token(t, c, "tyo1"), &log)
	c.want(t, "connected tyo1")
	tyo.stop()
	c.want(t, "disconnected tyo1")
	c.mu.Lock()
	a := c.agents["tyo1"]
	c.mu.Unlock()
	record, err := json.Marshal(map[string]any{"node": "tyo1", "key": a.Key, "enrolled": a.Enrolled})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.store.Commit(t.Context(), store.Put("agent", "tyo1", record)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tyo1", "lane-keys.pem")); err != nil {
		t.Fatal(err)
	}

	tyo = join(t, "tyo1", dir, rpc.Token{}, &log)
	c.want(t, "connected tyo1")
	c.knows(t, "tyo1")
	good, refused := peer.Verify(tyo.Authority(), []nodecfg.Peer{c.peerOf("tyo1")})
	is(t, good["tyo1"], tyo)
	if len(refused) > 0 {
		t.Error(refused)
	}
	log.want(t, "agent certificate renewed", "node=tyo1")
	tyo.stop()

	// Who has its certificate, but not its identity, does not get further.
	if err := os.Remove(filepath.Join(dir, "tyo1", "lane-keys.pem")); err != nil {
		t.Fatal(err)
	}
	before := c.peerOf("tyo1")
	join(t, "tyo1", dir, rpc.Token{}, &log)
	log.want(t, "certificate not renewed", "node=tyo1", "another identity")
	log.want(t, "agent refused", "node=tyo1", "another identity")
	if !reflect.DeepEqual(c.peerOf("tyo1"), before) {
		t.Error("the peers are told of another identity")
	}
}
