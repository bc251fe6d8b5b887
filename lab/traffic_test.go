package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

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

// throughput is what a TCP connection between two nodes carries, in bits per
// second of its payload, over a window in the middle.
func throughput(t *testing.T, l *Lab, from, to, address string) float64 {
	t.Helper()
	var listener net.Listener
	err := l.In(to, func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(address, "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var out net.Conn
	err = l.In(from, func() (err error) {
		out, err = net.DialTimeout("tcp", listener.Addr().String(), 5*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	go func() {
		chunk := make([]byte, 1<<16)
		for {
			if _, err := out.Write(chunk); err != nil {
				return
			}
		}
	}()
	in, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	count := func(length time.Duration) float64 {
		start, total := time.Now(), 0
		chunk := make([]byte, 1<<16)
		for time.Since(start) < length {
			n, err := in.Read(chunk)
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			total += n
		}
		return float64(total) * 8 / time.Since(start).Seconds()
	}
	count(200 * time.Millisecond) // slow start
	return count(600 * time.Millisecond)
}

// The payload is less than the rate by the headers: 66 bytes (Ethernet, IPv4,
// TCP with timestamps) in 1514.
func TestCapacityIsReal(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	for _, test := range []struct {
		name       string
		impairment Impairment
		rate       float64
		from, to   string
		address    string
	}{
		{"capacity", Impairment{}, 50e6, "b", "c", "192.168.1.2"},
		{"capacity", Impairment{}, 50e6, "c", "b", "192.168.1.1"},
		{"higher", Impairment{Rate: 100e6}, 100e6, "b", "c", "192.168.1.2"},
		{"lower", Impairment{Rate: 20e6}, 20e6, "c", "b", "192.168.1.1"},
		{"back", Impairment{}, 50e6, "b", "c", "192.168.1.2"},
	} {
		if err := l.Impair(t.Context(), "west", test.impairment); err != nil {
			t.Fatal(err)
		}
		got := throughput(t, l, test.from, test.to, test.address)
		want := test.rate * (1500 - 52) / 1514
		t.Logf("%s, %s to %s: %.2f Mbit/s of %.2f", test.name, test.from, test.to, got/1e6, want/1e6)
		if got < want*0.9 || got > want*1.1 {
			t.Errorf("%s, %s to %s: %.2f Mbit/s, want %.2f", test.name, test.from, test.to, got/1e6, want/1e6)
		}
	}
	if got := throughput(t, l, "a", "b", "192.168.0.2"); got < 250e6 {
		t.Errorf("a link without capacity carries only %.2f Mbit/s", got/1e6)
	}
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
