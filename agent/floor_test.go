package agent

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// liar is a controller that an agent believes, with what it may send.
type liar struct {
	*triangle
	t        *testing.T
	agent    *running
	dir      string
	revision uint64
	flows    []*flow
	tap      *tap
}

// newLiar has an agent that carries an intent encrypted, and a road on which
// its packets would arrive without.
func newLiar(t *testing.T) *liar {
	w, _ := newEncryptedTriangle(t, 0)
	l := &liar{triangle: w, t: t, dir: t.TempDir(), revision: 1}
	l.agent = start(t, w.a, l.dir)
	l.agent.in <- nodecfg.ToAgent{Config: w.a.cfg}
	l.agent.report("reached", reached)
	l.agent.lanes.say("gold/0", "gold/1")
	l.agent.report("open", active("gold/0"))
	l.openRoad(t)
	for _, f := range families {
		f := w.flow(f.from, f.to)
		f.arrives(t, "through the lane")
		l.flows = append(l.flows, f)
	}
	l.tap = w.tap(t)
	return l
}

// config is the agent's, changed, with the next revision.
func (l *liar) config(change func(c *nodecfg.Config)) *nodecfg.Config {
	c := *l.a.cfg
	c.Policies = slices.Clone(c.Policies)
	for i := range c.Policies {
		c.Policies[i].Paths = slices.Clone(c.Policies[i].Paths)
		c.Policies[i].Traffic = slices.Clone(c.Policies[i].Traffic)
	}
	l.revision++
	c.Revision = l.revision
	change(&c)
	return &c
}

// send has the agent obey a Config, and returns its report.
func (l *liar) send(change func(c *nodecfg.Config)) *nodecfg.Report {
	l.t.Helper()
	c := l.config(change)
	l.agent.in <- nodecfg.ToAgent{Config: c}
	return l.agent.report("obeyed", func(r *nodecfg.Report) bool { return r.Revision == c.Revision && r.Reached })
}

func (l *liar) restart() {
	l.t.Helper()
	l.agent.stop()
	l.agent = start(l.t, l.a, l.dir)
	l.agent.lanes.say("gold/0", "gold/1")
}

// refused wants every packet of the intent to be answered with unreachable.
func (l *liar) refused(what string) {
	l.t.Helper()
	for i, f := range l.flows {
		testnet.Eventually(l.t, what+": "+families[i].name+" is turned down", func() bool {
			_, err := f.out.WriteToUDPAddrPort([]byte(marker), f.to)
			return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
		})
	}
}

// silent wants no packet to have been seen in the clear.
func (l *liar) silent(when string) {
	l.t.Helper()
	l.tap.catchUp(l.t)
	if clear, all := l.tap.clear.Load(), l.tap.frames.Load(); clear != 0 || all == 0 {
		l.t.Fatalf("%s: %d of %d frames are in the clear", when, clear, all)
	}
}

// inTheClear takes the encryption from paths.
func inTheClear(p *nodecfg.Policy) {
	p.Encryption = ""
	for i := range p.Paths {
		p.Paths[i].Lane = nil
	}
}

func selectors(a4, b4, a6, b6 string) []nodecfg.Selector {
	p := netip.MustParsePrefix
	return []nodecfg.Selector{{From: p(a4), To: p(b4)}, {From: p(a6), To: p(b6)}}
}

// lies are Configs that take the encryption of intent gold away. Some have
// other packets for a path to carry.
var lies = []struct {
	what   string
	others string
	tell   func(c *nodecfg.Config)
}{
	{"asks for none", "", func(c *nodecfg.Config) { inTheClear(&c.Policies[0]) }},
	{"asks for none on one of the paths", "", func(c *nodecfg.Config) { c.Policies[0].Paths[0].Lane = nil }},
	{"the intent is gone", "", func(c *nodecfg.Config) { c.Policies = nil }},
	{"another name", "", func(c *nodecfg.Config) { c.Policies[0].Intent = "silver"; inTheClear(&c.Policies[0]) }},
	{"another name, number and order", "", func(c *nodecfg.Config) {
		p := &c.Policies[0]
		p.Intent, p.ID = "silver", 77
		for i := range p.Traffic {
			p.Traffic[i].Pref = 0
		}
		inTheClear(p)
	}},
	{"less encryption under another name", "", func(c *nodecfg.Config) {
		c.Policies[0].Intent = "silver"
		for i := range c.Policies[0].Paths {
			lane := *c.Policies[0].Paths[i].Lane
			lane.Encryption = "classic"
			c.Policies[0].Paths[i].Lane = &lane
		}
	}},
	{"a clear intent that is matched before", "gold/0", func(c *nodecfg.Config) {
		p := c.Policies[0]
		p.Intent, p.ID, p.Traffic, p.Paths = "early", 9, slices.Clone(p.Traffic), slices.Clone(p.Paths)
		inTheClear(&p)
		for i := range p.Traffic {
			p.Traffic[i].Pref = 0
		}
		for i := range p.Paths {
			p.Paths[i].Name = "early/" + p.Paths[i].Name
		}
		c.Policies = append(c.Policies, p)
	}},
	{"a wider clear intent in its place", "gold/0", func(c *nodecfg.Config) {
		c.Policies[0].Intent, c.Policies[0].Traffic = "wide", selectors("10.0.0.0/8", "10.0.0.0/8", "2001:db8::/32", "2001:db8::/32")
		inTheClear(&c.Policies[0])
	}},
	{"other packets under its name", "gold/0", func(c *nodecfg.Config) {
		c.Policies[0].Traffic = selectors("10.7.0.0/16", "10.8.0.0/16", "2001:db8:7::/48", "2001:db8:8::/48")
	}},
}

// Whatever a controller says, packets that were encrypted do not leave in the
// clear: not by another policy, not by the main table, not for a moment while
// one Config replaces another, and not after a restart. The report says so,
// and the encrypted intent has its packets back when it is back.
func TestFloorHoldsAgainstTheController(t *testing.T) {
	l := newLiar(t)
	for _, f := range l.flows {
		f.pour(t, 500*time.Microsecond)
	}
	for _, lie := range lies {
		r := l.send(lie.tell)
		i := slices.IndexFunc(r.Floors, func(f nodecfg.FloorState) bool { return f.Intent == "gold" })
		if i < 0 || !r.Floors[i].Fenced || r.Floors[i].Level != "pq" || r.Floors[i].Reason == "" {
			t.Errorf("%s: the report says %+v", lie.what, r.Floors)
		}
		for _, p := range r.Paths {
			if p.Active && p.Name != lie.others {
				t.Errorf("%s: %s is said to carry packets", lie.what, p.Name)
			}
		}
		l.refused(lie.what)
		l.silent(lie.what)
		l.restart()
		l.agent.report("adopted", reached)
		l.refused(lie.what + ", restarted")
		l.silent(lie.what + ", restarted")
		if r = l.send(func(*nodecfg.Config) {}); r.Floors[0].Fenced != (lie.what == "other packets under its name") { // which now have a floor too
			t.Errorf("after %s: %+v", lie.what, r.Floors)
		}
		for i, f := range l.flows {
			f.arrives(t, families[i].name+" encrypted again after: "+lie.what)
		}
		l.silent("encrypted again after " + lie.what)
	}
}

// Less than the floor under the intent's own name is keyed to the floor, and
// goes on; a wider clear intent behind the secret one has all other packets.
func TestFloorLeavesTheRestAlone(t *testing.T) {
	l := newLiar(t)
	r := l.send(func(c *nodecfg.Config) {
		for i := range c.Policies[0].Paths {
			lane := *c.Policies[0].Paths[i].Lane
			lane.Encryption = "classic"
			c.Policies[0].Paths[i].Lane = &lane
		}
		p := c.Policies[0]
		p.Intent, p.ID, p.Paths = "wide", 9, slices.Clone(p.Paths)
		p.Traffic = selectors("10.0.0.0/8", "10.0.0.0/8", "2001:db8::/32", "2001:db8::/32")
		for i := range p.Traffic {
			p.Traffic[i].Pref = 9
		}
		inTheClear(&p)
		for i := range p.Paths {
			p.Paths[i].Name = "wide/" + p.Paths[i].Name
		}
		c.Policies = append(c.Policies, p)
	})
	if f := r.Floors; len(f) != 1 || f[0].Fenced || !strings.Contains(f[0].Reason, "asks for classic") {
		t.Errorf("floors %+v", f)
	}
	for i, f := range l.flows {
		f.arrives(t, families[i].name+" at the floor")
		f.arrives(t, marker)
	}
	l.silent("at the floor")
	// Another host, of which nothing was ever encrypted.
	other, far := netip.MustParseAddr("10.1.9.9"), netip.MustParseAddr("10.2.9.9")
	l.a.Addr(other)
	l.b.Addr(far)
	l.flow(other, far).arrives(t, marker)
	if l.tap.clear.Load() == 0 {
		t.Error("the tap does not see what is in the clear")
	}
}

// ask gives an order as the node's root does.
func (l *liar) ask(lower string) floor.Answer {
	l.t.Helper()
	answer := make(chan floor.Answer, 1)
	l.agent.orders <- floor.Order{Lower: lower, Answer: answer}
	return <-answer
}

// Root lowers a floor: at once, for what the controller asks for now, and for
// good.
func TestFloorLowered(t *testing.T) {
	l := newLiar(t)
	if a := l.ask("silver"); !strings.Contains(a.Error, `intent "silver" has no floor`) {
		t.Errorf("lowered what there is not: %+v", a)
	}
	// The Config still asks for encryption: so does the floor.
	if a := l.ask("gold"); a.Error != "" || len(a.Floors) != 1 || a.Floors[0].Level != "pq" || a.Floors[0].Fenced {
		t.Errorf("lowered to what is asked for: %+v", a)
	}
	l.send(lies[0].tell)
	l.refused("before it is lowered")
	l.silent("before it is lowered")
	if a := l.ask(""); len(a.Floors) != 1 || !a.Floors[0].Fenced || len(a.Floors[0].Traffic) != 2 {
		t.Errorf("listed: %+v", a)
	}
	if a := l.ask("gold"); a.Error != "" || len(a.Floors) != 0 || a.Revision != l.revision {
		t.Errorf("lowered: %+v", a)
	}
	for i, f := range l.flows {
		f.arrives(t, families[i].name+" in the clear: "+marker)
	}
	if l.tap.clear.Load() == 0 {
		t.Error("the tap does not see what is in the clear")
	}
	if r := l.agent.report("no floors", func(r *nodecfg.Report) bool { return len(r.Floors) == 0 }); !active("gold/0")(r) {
		t.Errorf("report %+v", r)
	}
	l.restart()
	for i, f := range l.flows {
		f.arrives(t, families[i].name+" in the clear after a restart")
	}
}

// A floor outlives its Config, and the fences stand before any Config is
// obeyed. Where floors cannot be read nothing goes in the clear that might
// have one; what is encrypted goes on.
func TestFloorsOnDisk(t *testing.T) {
	l := newLiar(t)
	l.agent.stop()
	config, floors := filepath.Join(l.dir, configFile), filepath.Join(l.dir, floorsFile)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Remove(config))
	l.a.obeyNothing(t) // as after a reboot
	for _, f := range l.flows {
		f.arrives(t, "the open road")
	}
	l.restart()
	l.refused("without a config")

	good, err := os.ReadFile(floors)
	must(err)
	must(os.WriteFile(floors, append(good[:len(good)-5:len(good)-5], "x\"\n}\n"...), 0o600))
	l.restart()
	r := l.send(func(c *nodecfg.Config) {
		p := c.Policies[0]
		p.Intent, p.ID, p.Traffic, p.Paths = "plain", 9, selectors("10.5.0.0/16", "10.6.0.0/16", "2001:db8:5::/48", "2001:db8:6::/48"), slices.Clone(p.Paths)
		inTheClear(&p)
		for i := range p.Paths {
			p.Paths[i].Name = "plain/" + p.Paths[i].Name
		}
		c.Policies = append(c.Policies, p)
	})
	if len(r.Errors) != 1 || r.Errors[0].Object != "floors on disk" || !strings.Contains(r.Errors[0].Error, "checksum") {
		t.Errorf("errors %+v", r.Errors)
	}
	for i, f := range l.flows {
		f.arrives(t, families[i].name+" encrypted though the floors cannot be read")
	}
	l.agent.begun <- struct{}{}
	if r := l.agent.report("gold active", active("gold/0")); active("plain/gold/0")(r) {
		t.Errorf("an intent without encryption is said to carry: %+v", r.Paths)
	}
	if a := l.ask("gold"); !strings.Contains(a.Error, "cannot be read") {
		t.Errorf("lowered: %+v", a)
	}
	if kept, err := os.ReadFile(floors); err != nil || string(kept) == string(good) {
		t.Errorf("the file was overwritten: %v", err)
	}
	must(os.Remove(floors))
	l.restart()
	l.agent.report("moved away", func(r *nodecfg.Report) bool { return r.Reached && len(r.Errors) == 0 && active("plain/gold/0")(r) })
	if back, err := os.ReadFile(floors); err != nil || string(back) != string(good) {
		t.Errorf("floors of the config: %s, %v", back, err)
	}
}

// A floor that cannot be written keeps its intent closed until it can.
func TestFloorNotKept(t *testing.T) {
	w, _ := newEncryptedTriangle(t, 0)
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, floorsFile+".new")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	a := start(t, w.a, dir)
	a.lanes.say("gold/0", "gold/1")
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	r := a.report("not kept", func(r *nodecfg.Report) bool { return len(r.Errors) == 1 && r.Errors[0].Object == "floors on disk" })
	if p := r.Paths[0]; p.Active || p.Cause != "lane: the floor of its intent is not on disk" {
		t.Errorf("path %+v", p)
	}
	flow := w.flow(hostA4, hostB4)
	if _, err := flow.out.WriteToUDPAddrPort([]byte(marker), flow.to); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("sent: %v", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	a.report("kept", func(r *nodecfg.Report) bool { return len(r.Errors) == 0 && active("gold/0")(r) })
	flow.arrives(t, "when it is on disk")
}

// obeyNothing removes all that is Keiro's.
func (n *node) obeyNothing(t *testing.T) {
	t.Helper()
	for _, op := range nodecfg.Plan(n.see(t, nil).State, nil) {
		if err := n.kernel.Apply(op); err != nil {
			t.Fatalf("%s: %v", op, err)
		}
	}
}
