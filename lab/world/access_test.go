package world_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
)

// Whoever is not who he says is refused, is told why, and the controller logs
// it. Those who are there stay.
func TestAccess(t *testing.T) {
	c, foreign := start(t, pair(t, "")), start(t, pair(t, "-foreign"))
	topology, err := c.World.Topology()
	c.must(err)
	c.apply(topology)
	token := func(node string, life time.Duration) string {
		made, err := c.Client.CreateToken(c.ctx, node, life)
		c.must(err)
		return made.Token
	}
	strangers, err := foreign.Client.CreateToken(c.ctx, "c", time.Minute)
	c.must(err)
	used := token("c", time.Minute)
	guessed := strings.Split(token("c", time.Minute), ".") // version, ID, secret, authority
	guessed[2] = strings.Split(used, ".")[2]
	for _, i := range []struct {
		what, node, identity, token string
		agent, controller           string // what their logs say
	}{
		{"a new token", "c", "", used, "msg=enrolled", `"agent enrolled" node=c`},
		{"a used token, another key", "c", "", used, "the token was used already", "the token was used already"},
		{"a token with a guessed secret", "c", "", strings.Join(guessed, "."), "unknown token", "unknown token"},
		{"a token of another controller", "c", "", strangers.Token, "the controller is not the one that made the token", "bad certificate"},
		{"an expired token", "c", "", token("c", time.Nanosecond), "the token expired", "the token expired"},
		{"a token of another node", "b", "", token("c", time.Minute), "the token is for another node", "the token is for another node"},
		{"a certificate of another node", "b", c.identity("a"), "", `certificate is \"a\"'s, not \"b\"'s`, ""},
		{"a certificate of a foreign authority", "a", foreign.identity("a"), "", "certificate signed by unknown authority", "bad certificate"},
	} {
		c.intrude(i.what, i.node, i.identity, i.token, i.agent)
		c.logs(i.what, i.controller)
	}

	// The same by somebody who does not use our agent.
	for _, i := range []struct {
		what, identity, node string
		controller           string
	}{
		{"a report in the name of another node", c.identity("a"), "b", "report in the name of another node"},
		{"a certificate of a foreign authority, sent to anybody", foreign.identity("a"), "a", "unknown authority"},
	} {
		if err := c.impersonate(i.identity, i.node); err == nil {
			t.Errorf("%s: let in", i.what)
		}
		c.logs(i.what, i.controller)
	}
	c.joined()
	c.settled()
}

// identity is the file with the key and the certificate of a node.
func (c *cloud) identity(node string) string {
	return filepath.Join(c.Dir, "agent-"+node, "identity.pem")
}

// logs waits until the controller has logged a text.
func (c *cloud) logs(what, text string) {
	c.t.Helper()
	c.await("the controller to log "+what, func() error {
		if !strings.Contains(c.Log("controller"), text) {
			return fmt.Errorf("not there: %q", text)
		}
		return nil
	})
}

// intrude runs an agent beside the real ones until it logs a text.
func (c *cloud) intrude(what, node, identity, token, text string) {
	c.t.Helper()
	state := c.t.TempDir()
	if identity != "" {
		pem, err := os.ReadFile(identity)
		c.must(err)
		c.must(os.WriteFile(filepath.Join(state, "identity.pem"), pem, 0o600))
	}
	file := filepath.Join(state, "log")
	log, err := os.Create(file)
	c.must(err)
	defer log.Close()
	cmd := exec.Command(filepath.Join(binaries, "keiro-agent"), "--node", node, "--controller", c.socket(), "--state", state)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"KEIRO_TOKEN=" + token}, log, log
	c.must(c.Lab.Start(c.ctx, "b", cmd))
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	c.await(what+" to be answered", func() error {
		said, err := os.ReadFile(file)
		if err == nil && !strings.Contains(string(said), text) {
			err = fmt.Errorf("no %q in the agent's log:\n%s", text, said)
		}
		return err
	})
}

// impersonate opens a session with an identity and reports for a node; it
// believes any controller.
func (c *cloud) impersonate(identity, node string) error {
	c.t.Helper()
	pem, err := os.ReadFile(identity)
	c.must(err)
	pair, err := tls.X509KeyPair(pem, pem)
	c.must(err)
	config := rpc.TLS()
	config.Certificates, config.InsecureSkipVerify = []tls.Certificate{pair}, true
	conn, err := grpc.NewClient(c.socket(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	c.must(err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	stream, err := rpc.Session(ctx, conn)
	if err != nil {
		return err
	}
	if err := stream.Send(&nodecfg.FromAgent{Report: &nodecfg.Report{Node: node}}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			if ctx.Err() != nil {
				return nil // nobody objected
			}
			return err
		}
	}
}

func (c *cloud) socket() string { return "unix:" + filepath.Join(c.Dir, "agents.sock") }
