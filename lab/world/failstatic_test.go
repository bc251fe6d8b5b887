package world_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/local"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/world"
)

// The controller is gone, a certificate expires meanwhile, agents begin again from
// their disks, and then the network fails: it is repaired. The controller comes
// back while one agent cannot get in: nothing is taken from its node. A new token
// lets that in, and all is as it was.
func TestFailStatic(t *testing.T) {
	c := demo(t, "--settle", "1s")
	kernel, first := c.kernel(), c.paths("tyo-osa-gold")[0]
	c.must(c.KillController())
	c.expire("tyo1")
	c.lossless("agents that begin again from disk without a controller", all, func() {
		for _, node := range []string{"tyo1", "nag1", "osa1"} {
			c.must(c.KillAgent(node))
			c.must(c.StartAgent(c.ctx, node, ""))
			c.obeysAlone(node)
		}
	})
	c.returnsTo("the kernel state to be as with a controller", kernel)
	said := c.status("tyo1")
	for _, want := range []string{"no session since the agent began at", "certificate expired at", "`keiro token create tyo1`", "forwarding by revision"} {
		if !strings.Contains(said, want) {
			t.Errorf("keiro-agent status does not say %q:\n%s", want, said)
		}
	}

	far := "link:" + first[len(first)-1] // the headend sees it by its probes only
	c.repairs(far)
	c.must(c.StartController(c.ctx))
	c.lossless("a controller that returns while an agent is kept out", all, func() {
		c.await("the controller to go on without tyo1", func() error {
			nodes, err := c.Client.Nodes(c.ctx)
			if err != nil {
				return err
			}
			for _, n := range nodes {
				if n.Connected == (n.Name == "tyo1") {
					return fmt.Errorf("node %s: connected is %t", n.Name, n.Connected)
				}
			}
			i, err := c.Client.Intent(c.ctx, "tyo-osa-gold")
			if err != nil {
				return err
			}
			for _, condition := range i.Status.Conditions {
				if condition.Type == resource.Installed && condition.Reason == "AgentAway" {
					return nil
				}
			}
			return fmt.Errorf("the intent is %+v", i.Status.Conditions)
		})
		// A change that would move paths of the node that cannot be told.
		c.drain("link", "hij1--hkt1")
		c.await("the drain to be answered", func() error {
			i, err := c.Client.Intent(c.ctx, "tyo-hkt-silver")
			if err == nil && i.Status.ObservedGeneration == 0 {
				err = errors.New("not yet")
			}
			return err
		})
	})
	if err := c.impersonate(c.identity("tyo1"), "tyo1"); err == nil {
		t.Error("an expired certificate gets in")
	}
	c.logs("whom it refuses, and why", "certificate has expired")

	token, err := c.Client.CreateToken(c.ctx, "tyo1", time.Minute)
	c.must(err)
	c.lossless("an agent that enrols again", all, func() {
		c.must(c.KillAgent("tyo1"))
		c.must(c.StartAgent(c.ctx, "tyo1", token.Token))
		c.joined()
		c.settled()
		c.restore(far)
		c.must(c.Client.Undrain(c.ctx, "link", "hij1--hkt1"))
		c.settled()
		c.returnsTo("the kernel state to be as in the beginning", kernel)
	})
	if said := c.status("tyo1"); !strings.Contains(said, "session since") || strings.Contains(said, "expired") {
		t.Errorf("keiro-agent status after all:\n%s", said)
	}
}

// A controller that has lost its store, or that and its authority, knows nobody
// and is believed by nobody: it takes nothing from the network, which goes on
// repairing itself. With its state back it goes on where it was.
func TestStoreLost(t *testing.T) {
	c := demo(t, "--settle", "1s")
	kernel, first := c.kernel(), c.paths("tyo-osa-gold")[0]
	far := "link:" + first[len(first)-1]
	state := filepath.Dir(world.ClientConfig(c.Lab.Name()))
	aside := state + ".aside"
	for _, lost := range []struct {
		kept   []string // files
		agents string   // say of the controller
	}{
		{[]string{"authority.pem"}, "was replaced or revoked"},
		{nil, "certificate signed by unknown authority"},
	} {
		c.must(c.KillController())
		c.must(os.Rename(state, aside))
		c.must(os.Mkdir(state, 0o700))
		for _, name := range lost.kept {
			text, err := os.ReadFile(filepath.Join(aside, name))
			c.must(err)
			c.must(os.WriteFile(filepath.Join(state, name), text, 0o600))
		}
		c.must(c.StartController(c.ctx))
		c.lossless("a controller without memory", all, func() {
			for _, node := range []string{"tyo1", "nag1", "osa1"} {
				c.await("the agent of "+node+" to have asked it", func() error {
					if !strings.Contains(c.Log("agent-"+node), lost.agents) {
						return fmt.Errorf("it has not logged %q", lost.agents)
					}
					return nil
				})
			}
		})
		c.returnsTo("the kernel state to be as before", kernel)
		c.repairs(far)
		c.must(c.KillController())
		c.must(os.RemoveAll(state))
		c.must(os.Rename(aside, state))
		c.must(c.StartController(c.ctx))
		c.lossless("a controller with its memory back", all, func() {
			c.joined()
			c.settled()
		})
		c.restore(far)
		c.settled()
		c.returnsTo("the kernel state to be as in the beginning", kernel)
	}
}

// repairs cuts a link and demands that packets flow on nevertheless.
func (c *cloud) repairs(word string) {
	c.t.Helper()
	target, err := c.Lab.Target(word)
	c.must(err)
	s := c.stream(gold, 200*time.Millisecond)
	c.flows(s, 100)
	_, err = c.Lab.Cut(c.ctx, target)
	c.must(err)
	c.flows(s, 300)
	r := s.Stop()
	c.t.Logf("cut of %s repaired without a controller: %d of %d packets lost, outages %+v", word, r.Lost, r.Sent, r.Outages)
	if r.Lost == 0 || r.Outages[len(r.Outages)-1].Open {
		c.t.Errorf("the cut of %s was none, or was not repaired: %+v", word, r)
	}
}

// expire replaces the certificate of an agent's disk by one that was over a minute
// ago, for the same key.
func (c *cloud) expire(node string) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(world.ClientConfig(c.Lab.Name())), "authority.pem"))
	c.must(err)
	authority, err := tls.X509KeyPair(text, text)
	c.must(err)
	text, err = os.ReadFile(c.identity(node))
	c.must(err)
	key, rest := pem.Decode(text)
	block, rest := pem.Decode(rest)
	cert, err := x509.ParseCertificate(block.Bytes)
	c.must(err)
	cert.NotBefore, cert.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
	cert.ExtraExtensions = cert.Extensions
	block.Bytes, err = x509.CreateCertificate(rand.Reader, cert, authority.Leaf, cert.PublicKey, authority.PrivateKey)
	c.must(err)
	c.must(os.WriteFile(c.identity(node), bytes.Join([][]byte{pem.EncodeToMemory(key), pem.EncodeToMemory(block), rest}, nil), 0o600))
}

// status runs `keiro-agent status` for the agent of a node.
func (c *cloud) status(node string) string {
	c.t.Helper()
	out, err := exec.Command(filepath.Join(binaries, "keiro-agent"), "status", "--state", c.AgentDir(node)).CombinedOutput()
	if err != nil {
		c.t.Fatalf("keiro-agent status: %v\n%s", err, out)
	}
	return string(out)
}

// obeysAlone waits until a node's agent has reached a config though it has no
// session, and knows of every path whether it works.
func (c *cloud) obeysAlone(node string) {
	c.t.Helper()
	c.await("the agent of "+node+" to obey what is on its disk", func() error {
		out, err := exec.Command(filepath.Join(binaries, "keiro-agent"), "status", "-o", "json", "--state", c.AgentDir(node)).Output()
		if err != nil {
			return err
		}
		var s local.State
		if err := json.Unmarshal(out, &s); err != nil {
			return err
		}
		if s.Uplink == nil || s.Uplink.Connected || s.Revision == 0 || !s.Reached {
			return fmt.Errorf("it says %s", out)
		}
		for _, p := range s.Paths {
			if p.State == nodecfg.CannotTell {
				return fmt.Errorf("path %s is %s", p.Name, p.State)
			}
		}
		return nil
	})
}
