package world_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// encrypted declares the intents of the examples, of which gold asks for
// encryption.
func encrypted(t *testing.T) *cloud {
	t.Helper()
	c := start(t, jp12(t))
	c.apply(c.document("jp12.topology.yaml"), c.edited("intents.yaml", "    maxDelaySpread: 4ms\n", "    maxDelaySpread: 4ms\n    encryption: pq\n"))
	return c
}

// carried is how many bytes the lanes of a node have taken from it.
func (c *cloud) carried(node string) (bytes uint64, lanes int) {
	c.t.Helper()
	c.must(c.Lab.In(node, func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			if strings.HasPrefix(l.Attrs().Name, "kr-w") {
				lanes++
				bytes += l.Attrs().Statistics.TxBytes
			}
		}
		return err
	}))
	return bytes, lanes
}

// listen counts the packets on the cables of a node that show an address of
// the intent in the clear, whatever lies before it, and all packets, until
// stop.
func (c *cloud) listen(node string, clear []byte) (stop func() (shown, all int)) {
	c.t.Helper()
	var fd int
	c.must(c.Lab.In(node, func() (err error) {
		every := unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network byte order
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, every)
		return err
	}))
	c.must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}))
	ended, done := make(chan struct{}), make(chan [2]int)
	go func() {
		var shown, all int
		buf := make([]byte, 1<<16)
		for {
			select {
			case <-ended:
				unix.Close(fd)
				done <- [2]int{shown, all}
				return
			default:
			}
			n, _, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				continue
			}
			all++
			if strings.Contains(string(buf[:n]), string(clear)) {
				shown++
			}
		}
	}()
	return func() (int, int) {
		close(ended)
		n := <-done
		return n[0], n[1]
	}
}

// An intent that asks for encryption is carried by WireGuard lanes that ride
// on its paths, keyed by the agents among themselves. No node between the ends
// sees one of its packets, and agents that come and go cost none.
func TestEncryptedIntent(t *testing.T) {
	c := encrypted(t)
	before, lanes := c.carried("tyo1")
	if lanes != 2 {
		t.Fatalf("%d lanes at tyo1, want 2", lanes)
	}
	intent, err := c.Client.Intent(c.ctx, "tyo-osa-gold")
	c.must(err)
	between := intent.Status.Paths[0].Nodes[1]
	stop := c.listen(between, []byte{10, 1, 0, 1, 10, 2, 0, 1}) // source and destination in a header of IPv4
	c.lossless("an encrypted intent", []traffic{gold, gold.back(), gold6, gold6.back()}, func() {})
	c.lossless("while its agents come and go", []traffic{gold, gold.back()}, func() {
		for _, node := range []string{"tyo1", "osa1"} {
			c.must(c.KillAgent(node))
			c.must(c.StartAgent(c.ctx, node, ""))
			c.settled()
		}
	})
	if shown, all := stop(); shown > 0 || all == 0 {
		t.Errorf("%s saw %d of the intent's packets among %d", between, shown, all)
	}
	if after, _ := c.carried("tyo1"); after-before < 20_000 {
		t.Errorf("the lanes carried %d bytes", after-before)
	}
}

// A cut takes the lane on the first path; the intent goes on in the other one,
// and comes back. Without any path nothing goes out.
func TestEncryptedFailover(t *testing.T) {
	c := encrypted(t)
	paths := c.paths("tyo-osa-gold")
	s := c.stream(gold, time.Second)
	c.flows(s, 200)
	c.cut("link:" + paths[0][0])
	c.flows(s, 500)
	c.restore("link:" + paths[0][0])
	c.settled()
	c.flows(s, 500)
	r := s.Stop()
	t.Logf("a cut at the headend and its repair: lost %d of %d packets: %+v", r.Lost, r.Sent, r.Outages)
	if r.Lost > r.Sent/2 {
		t.Errorf("lost %d of %d packets", r.Lost, r.Sent)
	}
}

// A controller that takes encryption away does not get the packets in the
// clear: the lanes go, and from then on the packets are answered with
// unreachable, until the root of each end lowers the floor there.
func TestEncryptionEnds(t *testing.T) {
	c := encrypted(t)
	var taps []func() (shown, all int)
	for _, node := range c.nodes {
		if node != "tyo1" && node != "osa1" { // the ends see what they send into the lanes
			taps = append(taps, c.listen(node, []byte{10, 1, 0, 1, 10, 2, 0, 1}), c.listen(node, []byte{10, 2, 0, 1, 10, 1, 0, 1}))
		}
	}
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
	seen := 0
	for _, stop := range taps {
		shown, all := stop()
		if seen += all; shown > 0 {
			t.Errorf("%d packets were seen in the clear", shown)
		}
	}
	if seen == 0 {
		t.Error("nobody listened")
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
