package bgp

import (
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// BenchmarkFeed is a cold session with a full feed, from the first octet of the
// UPDATEs to the consumer: 1,000 nodes and 7,000 links a round, each in an
// UPDATE of its own, as routers send them.
func BenchmarkFeed(b *testing.B) {
	const nodes, links = 1000, 7000
	name, err := ls.AppendAttribute(nil, &ls.NodeAttribute{Name: "tyo1"})
	if err != nil {
		b.Fatal(err)
	}
	link, err := ls.AppendAttribute(nil, &ls.LinkAttribute{
		IGPMetric: ls.Some(ls.IGPMetric{Metric: 10, Octets: 3}), MaxBandwidth: ls.Some(ls.BitsPerSecond(10_000_000_000)), Name: "tyo1--osa1",
		TEAttributes: ls.TEAttributes{SRLGs: []uint32{1, 2, 3}, Delay: ls.Some(ls.Delay{Delay: 2600}), AdminGroup: ls.Some(uint32(1))},
	})
	if err != nil {
		b.Fatal(err)
	}
	var octets []byte
	add := func(n ls.NLRI, attribute []byte) {
		if octets, err = message.AppendUpdate(octets, objects(nlri(b, n), attribute), message.MaxLen); err != nil {
			b.Fatal(err)
		}
	}
	for i := range nodes {
		add(node(i), name)
	}
	for i := range links {
		from, to := node(i%nodes), node((i*7+1)%nodes)
		add(ls.Link{Origin: from.Origin, Local: from.Local, Remote: to.Local,
			LinkDescriptor: ls.LinkDescriptor{Identifiers: ls.Some(ls.LinkIdentifiers{Local: uint32(i), Remote: uint32(i)})}}, link)
	}
	b.SetBytes(int64(len(octets)))
	for b.Loop() {
		b.StopTimer()
		robot, peer := newRobot(b, "robot", "127.0.0.2", message.LinkState)
		c := start(b, Config{}, peer)
		robot.greet(linkState())
		b.StartTimer()
		robot.write(octets)
		for {
			c.mu.Lock()
			have := len(c.objects["robot"])
			c.mu.Unlock()
			if have == nodes+links {
				break
			}
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		c.speaker.Close()
		robot.listener.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(nodes+links), "objects/op")
}
