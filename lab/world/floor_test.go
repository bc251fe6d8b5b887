package world_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// A controller that takes encryption away does not get the packets in the
// clear: the lanes go, and from then on the packets are answered with
// unreachable, until the root of each end lowers the floor there.
func TestEncryptionEnds(t *testing.T) {
	c := encrypted(t)
	listened := c.listen([]byte{10, 1, 0, 1, 10, 2, 0, 1}, []byte{10, 2, 0, 1, 10, 1, 0, 1}) // source and destination, IPv4
	there, back := c.stream(gold, time.Second), c.stream(gold.back(), time.Second)
	c.flows(there, 100)
	c.flows(back, 100)
	_, err := c.Client.Apply(c.ctx, resource.Apply{Documents: []resource.Document{c.document("intents.yaml")}})
	c.must(err)
	for _, node := range []string{"tyo1", "osa1"} {
		c.await("no lane at "+node, func() error {
			if _, lanes := c.carried(node); lanes > 0 {
				return fmt.Errorf("%d are left", lanes)
			}
			return nil
		})
	}
	c.sends(there, 500)
	c.sends(back, 500)
	for _, f := range []traffic{gold, gold.back(), gold6, gold6.back()} {
		s := c.stream(f, time.Second)
		c.sends(s, 100)
		if r := s.Stop(); r.Received != 0 || r.Refused != r.Sent {
			t.Errorf("%v: without encryption %d of %d packets came, %d were turned down", f, r.Received, r.Sent, r.Refused)
		}
	}
	there.Stop()
	back.Stop()
	if shown, all := listened(); shown > 0 || all == 0 {
		t.Errorf("%d of %d packets on the cables are in the clear", shown, all)
	}

	for _, node := range []string{"tyo1", "osa1"} {
		if said := c.floor(node, "list"); !strings.Contains(said, "tyo-osa-gold   pq      yes") {
			t.Errorf("floors at %s:\n%s", node, said)
		}
		if said := c.floor(node, "lower", "tyo-osa-gold"); said != "floor of tyo-osa-gold at "+node+": was pq, is none\n" {
			t.Errorf("lowered at %s:\n%s", node, said)
		}
	}
	c.settled()
	c.lossless("in the clear, as declared now", []traffic{gold, gold.back()}, func() {})
}

// listen counts the frames on all cables, and those that show one of the texts,
// whatever lies before it, until it is asked for them.
func (c *cloud) listen(clear ...[]byte) (stop func() (shown, all int)) {
	c.t.Helper()
	tap, err := c.Lab.Tap()
	c.must(err)
	ended, done := make(chan struct{}), make(chan error, 1)
	var shown, all int
	go func() {
		defer tap.Close()
		buf := make([]byte, 1<<17)
		for {
			select {
			case <-ended:
				done <- nil
				return
			default:
			}
			f, ok, err := tap.Next(buf)
			if err != nil {
				done <- err
				return
			}
			if !ok {
				continue
			}
			all++
			if slices.ContainsFunc(clear, func(text []byte) bool { return bytes.Contains(f.Bytes, text) }) {
				shown++
			}
		}
	}()
	return func() (int, int) {
		close(ended)
		c.must(<-done)
		return shown, all
	}
}

// floor runs `keiro-agent floor` for the agent of a node.
func (c *cloud) floor(node string, args ...string) string {
	c.t.Helper()
	args = append(append([]string{"floor"}, args...), "--state", filepath.Join(c.Dir, "agent-"+node))
	out, err := exec.Command(filepath.Join(binaries, "keiro-agent"), args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("keiro-agent %v: %v\n%s", args, err, out)
	}
	return string(out)
}
