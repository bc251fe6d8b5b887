package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// japan has the shape of the japan12 research topology: 12 nodes, 17 links.
func japan(name string) *clab.File {
	file := &clab.File{Name: name, Prefix: "clab"}
	for n := range 12 {
		file.Nodes = append(file.Nodes, clab.Node{
			Name: fmt.Sprintf("n%02d", n), Kind: "linux",
			Labels: map[string]string{"loopback": fmt.Sprintf("10.%d.0.1/16", n)},
		})
	}
	ports := map[int]int{}
	end := func(n int) clab.Endpoint {
		ports[n]++
		return clab.Endpoint{Node: fmt.Sprintf("n%02d", n), Interface: fmt.Sprintf("eth%d", ports[n])}
	}
	for _, l := range [][2]int{
		{0, 1}, {0, 3}, {1, 2}, {2, 3}, {2, 6}, {3, 5}, {5, 4}, {5, 6}, {6, 7}, {4, 7}, {6, 9}, {7, 8}, {8, 9}, {8, 10}, {9, 11}, {9, 10}, {10, 11},
	} {
		file.Links = append(file.Links, clab.Link{
			A: end(l[0]), B: end(l[1]), Traits: clab.Traits{Capacity: topology.Declare(topology.Bandwidth(400e6))},
		})
	}
	return file
}

// overload sends from one node to another twice as much as the given rate, in
// bits per second, until the test ends.
func overload(t *testing.T, l *Lab, rate float64, from, to, address string) {
	t.Helper()
	var in, out *net.UDPConn
	err := l.In(to, func() (err error) { // nobody reads: the kernel counts
		in, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
		return err
	})
	if err == nil {
		err = l.In(from, func() (err error) {
			out, err = net.DialUDP("udp", nil, in.LocalAddr().(*net.UDPAddr))
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	// What waits in a node's own cable still counts as unsent: with the usual
	// 200 kB the cable would run dry whenever the sender has to wait for a CPU.
	raw, err := out.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 16<<20)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet, start := make([]byte, 1400), time.Now()
		for total := 0.0; ; time.Sleep(time.Millisecond) {
			for ; total < 2*rate*time.Since(start).Seconds(); total += float64(8 * len(packet)) {
				if _, err := out.Write(packet); errors.Is(err, net.ErrClosed) {
					return
				}
			}
		}
	}()
	t.Cleanup(func() {
		out.Close()
		in.Close()
		<-done
	})
}

// received is what an interface takes in over a while, in bits per second
// with Ethernet headers.
func received(t *testing.T, l *Lab, node, port string) float64 {
	t.Helper()
	var bytes [2]uint64
	var at [2]time.Time
	for i := range 2 {
		err := l.In(node, func() (err error) {
			bytes[i], err = receivedBytes(port)
			at[i] = time.Now()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			time.Sleep(400 * time.Millisecond)
		}
	}
	return float64(bytes[1]-bytes[0]) * 8 / at[1].Sub(at[0]).Seconds()
}

// Never is more delivered than the rate, and all of it once the sender has its
// CPU.
func TestCapacityIsReal(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	for _, test := range []struct {
		name       string
		impairment Impairment
		rate       float64
		from, to   string
		address    string
		port       string
	}{
		{"capacity", Impairment{}, 50e6, "b", "c", "192.168.1.2", "eth1"},
		{"capacity", Impairment{}, 50e6, "c", "b", "192.168.1.1", "eth2"},
		{"higher", Impairment{Rate: 100e6}, 100e6, "b", "c", "192.168.1.2", "eth1"},
		{"lower", Impairment{Rate: 20e6}, 20e6, "c", "b", "192.168.1.1", "eth2"},
		{"back", Impairment{}, 50e6, "b", "c", "192.168.1.2", "eth1"},
	} {
		t.Run(test.name+" "+test.from+test.to, func(t *testing.T) {
			if err := l.Impair(t.Context(), "west", test.impairment); err != nil {
				t.Fatal(err)
			}
			overload(t, l, test.rate, test.from, test.to, test.address)
			eventually(t, "the whole rate is delivered", func() bool {
				got := received(t, l, test.to, test.port)
				t.Logf("%.2f Mbit/s of %.2f", got/1e6, test.rate/1e6)
				if got > test.rate*1.05 {
					t.Fatalf("more than the rate is delivered: %.2f Mbit/s of %.2f", got/1e6, test.rate/1e6)
				}
				return got > test.rate*0.95
			})
		})
	}
	overload(t, l, 100e6, "a", "b", "192.168.0.2")
	eventually(t, "a link without capacity carries more than any of these", func() bool {
		return received(t, l, "b", "eth1") > 110e6
	})
}

func flow(l *Lab, rate int) stream.Config {
	return stream.Config{
		From: netip.MustParseAddr("192.168.1.1"), To: netip.MustParseAddr("192.168.1.2"), Rate: rate,
		At:   func(fn func() error) error { return l.In("b", fn) },
		Into: func(fn func() error) error { return l.In("c", fn) },
	}
}

func TestLoss(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	for _, ppm := range []int64{0, 100_000, 500_000, 1_000_000, 0} {
		if err := l.Impair(t.Context(), "west", Impairment{Loss: ppm}); err != nil {
			t.Fatal(err)
		}
		status, err := l.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := status.Links[1]; got.Loss != ppm || got.Rate != 50e6 || !got.Up {
			t.Errorf("status with %d ppm: %+v", ppm, got)
		}
		r, err := stream.Run(t.Context(), flow(l, 8000), time.Second/2)
		if err != nil {
			t.Fatal(err)
		}
		// ARP is lost as well: packets wait for it, and a few are dropped.
		share := float64(r.Lost) / float64(r.Sent) * 1e6
		t.Logf("asked for %d ppm, lost %.0f", ppm, share)
		// Six standard deviations of 4000 draws at one half are 47,000 ppm.
		if low, high := float64(ppm)-50_000, float64(ppm)+50_000; share < low || share > high {
			t.Errorf("asked for %d ppm, lost %.0f", ppm, share)
		}
		if ppm%1_000_000 == 0 && share != float64(ppm) {
			t.Errorf("asked for %d ppm, lost %.0f: want exactly that", ppm, share)
		}
	}
}

// The stream sees a cut and its repair as one outage, of about that length.
func TestStreamMeasuresAnOutage(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	s, err := stream.Start(flow(l, 1000))
	if err != nil {
		t.Fatal(err)
	}
	arrived := func(n int) {
		for goal := s.Received() + n; s.Received() < goal; time.Sleep(time.Millisecond) {
		}
	}
	arrived(100)
	before := time.Now()
	if _, err := l.Cut(context.Background(), Target{Link, "west"}); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	for lost := s.Sent() - s.Received() + 100; s.Sent()-s.Received() < lost; time.Sleep(time.Millisecond) {
	}
	mend := time.Now()
	if _, err := l.Restore(context.Background(), Target{Link, "west"}); err != nil {
		t.Fatal(err)
	}
	arrived(100)
	after := time.Now()
	r := s.Stop()
	i := slices.IndexFunc(r.Outages, func(o stream.Outage) bool { return o.Lost >= 100 })
	if i < 0 || r.Outages[i].Open {
		t.Fatalf("no outage seen: %+v", r)
	}
	length := time.Duration(r.Outages[i].Length) * time.Microsecond
	if length < mend.Sub(cut)-2*time.Millisecond || length > after.Sub(before) {
		t.Errorf("outage of %v, but the link was cut for %v to %v", length, mend.Sub(cut), after.Sub(before))
	}
	if r.Lost != r.Sent-r.Received || r.Duplicates != 0 || r.LongestGap < r.Outages[i].Length {
		t.Errorf("result %+v", r)
	}
}

// Loss from one end leaves the other direction alone.
func TestLossOneWay(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	for from, want := range map[string]bool{"b": true, "c": false} {
		if err := l.Impair(t.Context(), "west", Impairment{}); err != nil {
			t.Fatal(err)
		}
		if r, err := stream.Run(t.Context(), flow(l, 1000), time.Second/5); err != nil || r.Lost > 0 { // the neighbour is known then
			t.Fatalf("lost %d, %v", r.Lost, err)
		}
		if err := l.Impair(t.Context(), "west", Impairment{Loss: 1e6, From: from}); err != nil {
			t.Fatal(err)
		}
		r, err := stream.Run(t.Context(), flow(l, 1000), time.Second/5)
		if err != nil {
			t.Fatal(err)
		}
		if all := r.Lost == r.Sent; all != want || !all && r.Lost > 0 {
			t.Errorf("loss of what %s sends: packets of b: %d of %d lost", from, r.Lost, r.Sent)
		}
	}
}

// A delayed link holds packets of both directions back, and is as before once
// it is closed.
func TestDelay(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	const delay = 50 * time.Millisecond
	typical := func() time.Duration {
		t.Helper()
		r, err := stream.Run(t.Context(), flow(l, 1000), time.Second/2)
		if err != nil || r.Lost > 0 {
			t.Fatalf("lost %d, %v", r.Lost, err)
		}
		return time.Duration(r.DelayP50) * time.Microsecond
	}
	if got := typical(); got >= delay {
		t.Errorf("before: %v", got)
	}
	relay, err := l.Delay(t.Context(), "west", delay)
	if err != nil {
		t.Fatal(err)
	}
	if got := typical(); got < delay {
		t.Errorf("delayed by %v: %v", delay, got)
	}
	if err := relay.Close(); err != nil {
		t.Error(err)
	}
	if got := typical(); got >= delay {
		t.Errorf("after: %v", got)
	}
}
