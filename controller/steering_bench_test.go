package controller

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

// BenchmarkSteering is a whole controller, its store on the disk, with one BGP session
// to a router that speaks for 200 others, on a torus of 400 links, and 200 intents of two
// disjoint paths each: from the first octet of the UPDATE that withdraws a link to the
// last of the SR Policies that lead around it, read from the socket.
func BenchmarkSteering(b *testing.B) {
	const width, height, intents, cuts = 20, 10, 200, 100
	reflector := newReflector(b)
	dir := b.TempDir()
	bgp := filepath.Join(dir, "bgp.yaml")
	if err := os.WriteFile(bgp, fmt.Appendf(nil, `apiVersion: keiro/v1
kind: BGP
metadata: {name: bench}
spec:
  as: 65000
  routerID: 10.0.0.1
  peers: [{name: rr, address: 127.0.0.9, port: %d, as: 65000, families: [link-state, ipv6-srpolicy, ipv4-unicast]}]
`, reflector.port()), 0o600); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{Dir: filepath.Join(dir, "state"), API: "127.0.0.1:0", Agents: []string{"unix:" + filepath.Join(dir, "agents")}, BGP: bgp,
			Params:    core.Params{WaitToRestore: 5 * time.Millisecond, Settle: time.Minute, Gather: 20 * time.Millisecond, Linger: time.Millisecond},
			SolveTime: 5 * time.Second, Log: slog.New(slog.DiscardHandler)})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	apply := func(text string) {
		reflector.eventually("the controller takes what is declared", func() bool {
			cfg, err := client.ReadConfig(filepath.Join(dir, "state", clientFile))
			if err != nil {
				return false
			}
			c, err := client.New(cfg)
			if err != nil {
				return false
			}
			_, err = c.Apply(ctx, resource.Apply{Documents: []resource.Document{{Name: "bench.yaml", Data: []byte(text)}}})
			return err == nil
		})
	}
	links := torus(width, height)
	apply(declaredTorus(width*height, links, intents))
	go reflector.greet()
	<-reflector.up
	for n := range width * height {
		reflector.say(routerLines(n)...)
	}
	for l := range links {
		reflector.say(links[l].lines(l)...)
	}
	reflector.write(endOfRIB(b, message.LinkState))
	reflector.eventually("all intents are steered", func() bool { return reflector.policies() == 2*intents })

	r := rand.New(rand.NewPCG(5, 6))
	var took []time.Duration
	for b.Loop() {
		for range cuts {
			reflector.eventually("what was replaced is withdrawn", func() bool { return reflector.count() == 2*2*intents })
			l := r.IntN(len(links))
			affected := reflector.over(links[l].sids(l))
			if len(affected) == 0 {
				continue
			}
			turn := func(octets []byte) time.Duration {
				since := reflector.mark()
				start := time.Now()
				reflector.write(octets)
				reflector.eventually(fmt.Sprintf("%d policies are told around link %d", len(affected), l), func() bool { return reflector.renewed(affected, since) })
				return reflector.last(affected, since).Sub(start)
			}
			took = append(took, turn(reflector.octets(true, links[l].lines(l)...)))
			turn(reflector.octets(false, links[l].lines(l)...))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
	b.ReportMetric(float64(len(took)), "cuts")
}

// cable is a link between two nodes.
type cable struct{ a, b int }

func torus(width, height int) (links []cable) {
	for n := range width * height {
		x, y := n%width, n/width
		links = append(links, cable{n, y*width + (x+1)%width}, cable{n, (y+1)%height*width + x})
	}
	return links
}

func declaredTorus(nodes int, links []cable, intents int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: torus}\nspec:\n  nodes:\n")
	for n := range nodes {
		fmt.Fprintf(&text, "    - {name: n%d, agent: false, routerID: 0000.0000.%04x}\n", n, n+1)
	}
	r := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintf(&text, "  links:\n")
	for l, c := range links {
		fmt.Fprintf(&text, "    - {name: l%d, a: n%d, b: n%d, delay: %dus, capacity: 40Gbps, srlgs: []}\n", l, c.a, c.b, 500+r.IntN(4500))
	}
	for i := range intents {
		from, to := r.IntN(nodes), r.IntN(nodes-1)
		if to >= from {
			to++
		}
		fmt.Fprintf(&text, "---\napiVersion: keiro/v1\nkind: PathIntent\nmetadata: {name: i%d}\nspec: {from: n%d, to: n%d, objective: delay, traffic: [{from: 10.%d.0.0/16, to: 11.%d.0.0/16}], require: {multiplicity: 2, disjoint: [link]}}\n",
			i, from, to, i, i)
	}
	return text.String()
}

func routerLines(n int) []string {
	return []string{
		fmt.Sprintf("node l2 %d name=n%d te=192.0.%d.%d,2001:db8::%x", n+1, n, 2+n/200, n%200+1, n+1),
		fmt.Sprintf("sid l2 %d 5f00:9:%x:d46:: behavior=20", n+1, n+1),
	}
}

// lines are both directions of a cable, as BGP-LS has them.
func (c cable) lines(l int) []string {
	sids := c.sids(l)
	half := func(from, to, near, far int, sid string) string {
		return fmt.Sprintf("link l2 %d %d if=2001:db8:%x::%d nb=2001:db8:%x::%d te=1 bw=40G delay=400-500 endx=%s", from+1, to+1, l+1, near, l+1, far, sid)
	}
	return []string{half(c.a, c.b, 1, 2, sids[0]), half(c.b, c.a, 2, 1, sids[1])}
}

func (c cable) sids(l int) [2]string {
	return [2]string{fmt.Sprintf("5f00:9:%x:%x::", c.a+1, 0x1000+l), fmt.Sprintf("5f00:9:%x:%x::", c.b+1, 0x1000+l)}
}

// reflector is a route reflector that says a topology and keeps the candidate paths that
// it is told.
type reflector struct {
	b        *testing.B
	listener net.Listener
	tcp      net.Conn
	up       chan struct{}
	changed  chan struct{}
	mu       sync.Mutex
	heard    int
	paths    map[srpolicy.NLRI]told
}

type told struct {
	srpolicy.CandidatePath
	number int // of what was heard
	at     time.Time
}

func newReflector(b *testing.B) *reflector {
	l, err := net.Listen("tcp4", "127.0.0.9:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return &reflector{b: b, listener: l, up: make(chan struct{}), changed: make(chan struct{}, 1), paths: map[srpolicy.NLRI]told{}}
}

func (r *reflector) port() int { return r.listener.Addr().(*net.TCPAddr).Port }

func (r *reflector) greet() {
	tcp, err := r.listener.Accept()
	if err != nil {
		return
	}
	r.b.Cleanup(func() { tcp.Close() })
	r.tcp = tcp
	r.write(message.AppendKeepalive(message.AppendOpen(nil, message.Open{AS: 65000, HoldTime: time.Hour, ID: netip.MustParseAddr("10.0.0.9"), Capabilities: message.Capabilities{
		Families:        []message.Family{message.LinkState, message.IPv6SRPolicy, message.IPv4Unicast},
		ExtendedNextHop: []message.Family{message.IPv4Unicast}, Extended: true, FourOctetAS: true}})))
	close(r.up)
	in := bufio.NewReader(tcp)
	head := make([]byte, message.HeaderLen)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		h, err := message.ParseHeader(head, true)
		if err != nil {
			return
		}
		body := make([]byte, h.Len-message.HeaderLen)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if h.Type == message.UpdateType {
			r.take(body)
		}
	}
}

func (r *reflector) take(body []byte) {
	at := time.Now()
	u, _, err := message.ParseUpdate(body, true)
	if err != nil {
		return
	}
	paths, gone, _ := srpolicy.Parse(&u, false)
	r.mu.Lock()
	for _, n := range gone {
		delete(r.paths, n)
	}
	for _, p := range paths {
		r.heard++
		r.paths[p.NLRI] = told{p, r.heard, at}
	}
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// eventually waits until something holds, which is looked at when the controller says
// something, and now and then.
func (r *reflector) eventually(what string, holds func() bool) {
	r.b.Helper()
	for end := time.Now().Add(time.Minute); !holds(); {
		select {
		case <-r.changed:
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			r.b.Fatalf("never: %s", what)
		}
	}
}

func (r *reflector) write(octets []byte) {
	if _, err := r.tcp.Write(octets); err != nil {
		r.b.Error(err)
	}
}

func (r *reflector) say(lines ...string) { r.write(r.octets(false, lines...)) }

// octets are the UPDATEs of objects, each a line of lsdbtest.
func (r *reflector) octets(gone bool, lines ...string) (octets []byte) {
	r.b.Helper()
	for _, line := range lines {
		n, a, err := lsdbtest.Parse(strings.Fields(line))
		if err != nil {
			r.b.Fatal(err)
		}
		nlri, err := ls.AppendNLRI(nil, n)
		if err != nil {
			r.b.Fatal(err)
		}
		u := message.Update{Unreach: &message.Unreach{Family: message.LinkState, NLRI: nlri}}
		if !gone {
			attribute, err := ls.AppendAttribute(nil, a)
			if err != nil {
				r.b.Fatal(err)
			}
			u = message.Update{Reach: &message.Reach{Family: message.LinkState, NextHop: []byte{127, 0, 0, 9}, NLRI: nlri},
				Attributes: []message.Attribute{message.Origin(), message.ASPath(), message.LocalPref(100), {Flags: message.Optional, Type: message.LinkStateType, Value: attribute}}}
		}
		if octets, err = message.AppendUpdate(octets, u, message.MaxExtended); err != nil {
			r.b.Fatal(err)
		}
	}
	return octets
}

func endOfRIB(b *testing.B, f message.Family) []byte {
	octets, err := message.AppendUpdate(nil, message.EndOfRIB(f), message.MaxLen)
	if err != nil {
		b.Fatal(err)
	}
	return octets
}

// policy names a policy: the distinguisher is 0.
func policy(n srpolicy.NLRI) srpolicy.NLRI { n.Distinguisher = 0; return n }

// policies counts those with a path.
func (r *reflector) policies() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[srpolicy.NLRI]bool{}
	for n, p := range r.paths {
		if len(p.SegmentLists) > 0 {
			seen[policy(n)] = true
		}
	}
	return len(seen)
}

// count counts the paths that carry something.
func (r *reflector) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.paths {
		n += min(len(p.SegmentLists), 1)
	}
	return n
}

// over are the policies that lead over one of the SIDs.
func (r *reflector) over(sids [2]string) map[srpolicy.NLRI]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	over := map[srpolicy.NLRI]bool{}
	for n, p := range r.paths {
		for _, l := range p.SegmentLists {
			for _, s := range l.Segments {
				if x := s.SID.String(); x == sids[0] || x == sids[1] {
					over[policy(n)] = true
				}
			}
		}
	}
	return over
}

func (r *reflector) mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

// renewed reports whether all of the policies have a path that came after a mark.
func (r *reflector) renewed(policies map[srpolicy.NLRI]bool, since int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := map[srpolicy.NLRI]bool{}
	for n, p := range r.paths {
		if p.number > since && policies[policy(n)] {
			fresh[policy(n)] = true
		}
	}
	return len(fresh) == len(policies)
}

// last is when the last of the policies got its first path after a mark.
func (r *reflector) last(policies map[srpolicy.NLRI]bool, since int) (at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := map[srpolicy.NLRI]time.Time{}
	for n, p := range r.paths {
		if was, had := first[policy(n)]; p.number > since && policies[policy(n)] && (!had || p.at.Before(was)) {
			first[policy(n)] = p.at
		}
	}
	for _, t := range first {
		if t.After(at) {
			at = t
		}
	}
	return at
}
