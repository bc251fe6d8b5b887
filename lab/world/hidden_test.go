package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/sight"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/lab/world"
)

// goldTraffic are the ends of what tyo-osa-gold selects.
var goldTraffic = [2][2]string{{"10.1.0.0/16", "2001:db8:1::/48"}, {"10.2.0.0/16", "2001:db8:2::/48"}}

// Of an encrypted intent no packet leaves in the clear, and none of a lane
// leaves its path: from the first packet on, which finds no way before there
// is an intent, through all that may happen to links, agents, lanes and the
// controller, while keys rotate every few seconds. Once the headends have
// acknowledged it there lies a way in the clear beside it, that every packet
// takes which slips by its rules.
func TestNothingIsSeen(t *testing.T) {
	c := startWith(t, world.Options{File: jp12(t), Agent: []string{"--rotate-every", "5s"}})
	c.apply(c.document("jp12.topology.yaml"))
	w := c.capture("tyo-osa-gold")
	w.hide(goldTraffic)
	var streams []*stream.Stream
	for _, f := range []traffic{gold, gold.back(), gold6, gold6.back()} {
		s, err := c.Stream(f.node, f.toNode, stream.Config{
			From: netip.MustParseAddr(f.addr), To: netip.MustParseAddr(f.toAddr), Rate: 200, Deadline: time.Second,
		})
		c.must(err)
		streams = append(streams, s)
		w.mark(s.Mark())
	}
	flow := func() {
		for _, s := range streams {
			c.flows(s, 50)
		}
	}
	for _, s := range streams {
		c.sends(s, 50)
	}

	w.during("bring-up", func() {
		_, err := c.Client.Apply(c.ctx, resource.Apply{Documents: []resource.Document{c.goldAlone()}})
		c.must(err)
		c.await("the headends to acknowledge", c.acknowledged)
		c.wayRound("tyo1", "osa1", goldTraffic[1])
		c.wayRound("osa1", "tyo1", goldTraffic[0])
	})
	flow()
	first := c.paths("tyo-osa-gold")[0]
	epoch := c.epoch()
	for _, what := range []string{"link:" + first[0], "link:" + first[len(first)-1]} {
		w.during("a cut of "+what, func() { c.cut(what) })
		flow()
		w.during("the repair of "+what, func() { c.restore(what) })
		flow()
	}
	// Nobody moves a lane whose agent is away: the kernel alone holds it back.
	head := "link:" + first[0]
	for _, tt := range []struct {
		nodes []string
		cut   bool
	}{{[]string{"tyo1"}, false}, {[]string{"osa1"}, false}, {[]string{"tyo1"}, true}, {[]string{"tyo1", "osa1"}, true}} {
		w.during(fmt.Sprintf("new agents at %s, %s cut meanwhile: %t", tt.nodes, head, tt.cut), func() {
			for _, node := range tt.nodes {
				c.must(c.KillAgent(node))
			}
			if tt.cut {
				c.cut(head)
				c.sends(streams[0], 100)
			} else {
				flow()
			}
			for _, node := range tt.nodes {
				c.must(c.StartAgent(c.ctx, node, ""))
			}
			c.joined()
		})
		flow()
		if tt.cut {
			w.during("the repair of "+head, func() { c.restore(head) })
		}
	}
	for _, node := range []string{"tyo1", "osa1"} {
		w.during("the loss of a helper at "+node, func() {
			lane := c.config(node).Policies[0].Paths[0].Lane.ID
			pid := c.helper(node, lane)
			if pid == 0 { // kill(2) would take it for all of this test's processes
				t.Fatalf("lane %d of %s has no helper to lose", lane, node)
			}
			c.must(syscall.Kill(pid, syscall.SIGKILL))
			c.await("another helper", func() error {
				if again := c.helper(node, lane); again == 0 || again == pid {
					return fmt.Errorf("it is process %d", again)
				}
				return nil
			})
		})
		flow()
	}
	w.during("a new controller", func() {
		c.must(c.KillController())
		flow()
		c.must(c.StartController(c.ctx))
		c.joined()
	})
	intent, err := c.Client.Intent(c.ctx, w.intent)
	c.must(err)
	transit := intent.Status.Paths[0].Nodes[1]
	w.during("a drain of "+transit, func() { c.drain("node", transit) })
	flow()
	w.during("the end of the drain", func() { c.must(c.Client.Undrain(c.ctx, "node", transit)) })
	flow()
	c.await("more rotations", reaches(c.epoch, epoch+4))
	flow()
	w.caught()
	for _, broken := range w.verdict() {
		t.Error(broken)
	}
	if w.count(sight.OnPath) < 10_000 {
		t.Errorf("the capture saw %d packets of lanes: nothing was tried", w.count(sight.OnPath))
	}

	// The capture does see, and the way round is one.
	c.plant(w, streams[0].Mark())
	before := w.count(sight.Clear)
	c.must(c.KillAgent("tyo1"))
	c.unrule("tyo1", everyRule)
	c.await("packets to slip by", reaches(func() int { return w.count(sight.Clear) }, before+100))
	for _, s := range streams {
		r := s.Stop()
		t.Logf("%d of %d packets came, %d were refused", r.Received, r.Sent, r.Refused)
	}
	t.Logf("epochs %d to %d; the capture saw %v", epoch, c.epoch(), w.seen)
}

// goldAlone is the intent tyo-osa-gold, encrypted.
func (c *cloud) goldAlone() resource.Document {
	c.t.Helper()
	d := c.edited("intents.yaml", "    maxDelaySpread: 4ms\n", "    maxDelaySpread: 4ms\n    encryption: pq\n")
	d.Data = bytes.SplitAfter(d.Data, []byte("\n---\n"))[0]
	return d
}

// wayRound gives traffic of a node plain routes to another, in the clear.
func (c *cloud) wayRound(node, tail string, to [2]string) {
	c.t.Helper()
	locator := c.locator(tail)
	for n, end := range []netip.Addr{nodecfg.EndDX4(locator), nodecfg.EndDT6(locator)} {
		_, dst, err := net.ParseCIDR(to[n])
		c.must(err)
		c.must(c.Lab.In(node, func() error {
			via, err := netlink.LinkByName("eth1")
			if err != nil {
				return err
			}
			return netlink.RouteAdd(&netlink.Route{
				LinkIndex: via.Attrs().Index, Dst: dst, Encap: &netlink.SEG6Encap{Mode: 1, Segments: []net.IP{end.AsSlice()}},
			})
		}))
	}
}

// acknowledged: the headends of gold say that they have its paths and rules.
func (c *cloud) acknowledged() error {
	i, err := c.Client.Intent(c.ctx, "tyo-osa-gold")
	if err != nil {
		return err
	}
	if installed := i.Condition(resource.Installed); installed == nil || installed.Status != resource.True {
		return fmt.Errorf("installed is %+v", installed)
	}
	return nil
}

// epoch is that of the keys between the ends of gold, as tyo1 has it on disk.
func (c *cloud) epoch() int {
	b, err := os.ReadFile(c.AgentDir("tyo1") + "/pairs/peer-osa1.json")
	c.must(err)
	var file struct{ State struct{ Epoch int } }
	c.must(json.Unmarshal(b, &file))
	return file.State.Epoch
}

// helper is the process behind a lane of a node, 0 where there is none.
func (c *cloud) helper(node string, lane uint16) int {
	c.t.Helper()
	status, err := c.Lab.Status(c.ctx)
	c.must(err)
	for _, n := range status.Nodes {
		for _, pid := range n.Processes {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may have ended
			if n.Name == node && strings.Contains(string(line), "\x00"+nodecfg.LaneInterface(lane)+"\x00") {
				return pid
			}
		}
	}
	return 0
}

// plant sends, over a cable that belongs to no path, a packet of each kind that
// must not be, and demands that the capture sees each.
func (c *cloud) plant(w *capture, mark []byte) {
	c.t.Helper()
	var lane sight.Lane
	for _, l := range c.lanes("tyo1") {
		lane = l
	}
	for _, tt := range []struct {
		want     sight.Verdict
		from, to netip.Addr
		payload  []byte
	}{
		{sight.Clear, netip.MustParseAddr(gold6.addr), netip.MustParseAddr(gold6.toAddr), nil},
		{sight.Clear, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), mark},
		{sight.OffPath, lane.From, lane.To, nil},
	} {
		before := w.count(tt.want)
		c.must(c.Lab.In("tyo1", func() error {
			cable, err := net.InterfaceByName("eth1") // to sdj1
			if err != nil {
				return err
			}
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendto(fd, sight.UDP(tt.from, tt.to, 9, tt.payload), 0, &unix.SockaddrLinklayer{Ifindex: cable.Index})
		}))
		c.await("the capture to see what is "+tt.want.String(), reaches(func() int { return w.count(tt.want) }, before+1))
	}
	if broken := w.verdict(); len(broken) != 3 {
		c.t.Errorf("the capture says of what was planted: %q", broken)
	}
}
