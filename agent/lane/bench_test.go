package lane_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// BenchmarkThroughput sends TCP through a lane, through plain wireguard-go in
// the same namespaces, and through two lanes at once.
func BenchmarkThroughput(b *testing.B) {
	near, far := pair(b, false, false)
	share(b, near, far)
	near2, far2 := near.second("fd03::a"), far.second("fd03::b")
	share(b, near2, far2)
	plain := plainPair(b, near, far)
	lane, lane2 := [2]netip.Addr{near.inner, far.inner}, [2]netip.Addr{near2.inner, far2.inner}
	b.Run("lane", func(b *testing.B) { near.pour(b, far, lane) })
	b.Run("wireguard-go", func(b *testing.B) { near.pour(b, far, plain) })
	b.Run("two-lanes", func(b *testing.B) { near.pour(b, far, lane, lane2) })
}

// second opens another lane at the same end.
func (e *end) second(inner string) *end {
	e.t.Helper()
	other := *e
	other.name, other.port, other.inner = "kr-w2", e.port+1, netip.MustParseAddr(inner)
	other.open()
	return &other
}

// BenchmarkNarrow sends TCP through one lane and through two whose paths, not
// the processors, are what limits: each has a cable of its own, 20 MB/s wide.
func BenchmarkNarrow(b *testing.B) {
	near, far := pair(b, false, false)
	testnet.Cable(near.Namespace, "eth2", far.Namespace, "eth2")
	near2, far2 := near.second("fd03::a"), far.second("fd03::b")
	near2.outer, far2.outer = netip.MustParseAddr("fd04::a"), netip.MustParseAddr("fd04::b")
	for _, e := range [][2]*end{{near, near2}, {far, far2}} {
		e[0].address("eth2", netip.PrefixFrom(e[1].outer, 64))
		e[0].narrow("eth1", 20_000_000)
		e[0].narrow("eth2", 20_000_000)
	}
	share(b, near, far)
	share(b, near2, far2)
	one, two := [2]netip.Addr{near.inner, far.inner}, [2]netip.Addr{near2.inner, far2.inner}
	b.Run("lane", func(b *testing.B) { near.pour(b, far, one) })
	b.Run("two-lanes", func(b *testing.B) { near.pour(b, far, one, two) })
}

// narrow lets an interface send so many bytes per second.
func (e *end) narrow(dev string, rate uint64) {
	e.t.Helper()
	const burst, queue = 256 << 10, 1 << 20 // bytes
	e.must(e.Netlink().QdiscAdd(&netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: e.Link(dev).Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Rate:       rate, Limit: queue, Buffer: netlink.Xmittime(rate, burst),
	}))
}

// pour sends b.N megabytes, in equal parts over as many connections as there
// are addresses, all at once. Where the time of processors for a megabyte is
// that of all processors for as long, these are what limits.
func (e *end) pour(b *testing.B, far *end, over ...[2]netip.Addr) {
	b.SetBytes(1 << 20)
	share := max(b.N/len(over), 1)
	var in, out []net.Conn
	for _, ends := range over {
		i, o := e.connect(far, ends)
		in, out = append(in, i), append(out, o)
	}
	before := testnet.Used(b)
	b.ResetTimer()
	var pouring sync.WaitGroup
	for n := range over {
		pouring.Go(func() {
			if n, err := io.Copy(io.Discard, in[n]); err != nil || n == 0 {
				b.Errorf("after %d bytes: %v", n, err)
			}
		})
		pouring.Go(func() {
			mb := make([]byte, 1<<20)
			for range share {
				if _, err := out[n].Write(mb); err != nil {
					b.Error(err)
				}
			}
			if err := out[n].Close(); err != nil {
				b.Error(err)
			}
		})
	}
	pouring.Wait()
	b.StopTimer()
	used := testnet.Used(b).Since(before)
	b.ReportMetric(used.Here.Seconds()*1000/float64(b.N), "cpu-ms/MB-ends")
	b.ReportMetric(used.Children.Seconds()*1000/float64(b.N), "cpu-ms/MB-wireguard")
	b.Logf("load average %s", testnet.Busy(b))
}

// connect makes a connection from the first address to the second, at the far
// end.
func (e *end) connect(far *end, ends [2]netip.Addr) (in, out net.Conn) {
	e.t.Helper()
	var listen net.Listener
	far.Do(func() (err error) {
		listen, err = net.Listen("tcp", netip.AddrPortFrom(ends[1], 0).String())
		return err
	})
	defer listen.Close()
	e.Do(func() (err error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(ends[0], 0)), Timeout: 10 * time.Second}
		out, err = d.Dial("tcp", listen.Addr().String())
		return err
	})
	in, err := listen.Accept()
	e.must(err)
	e.t.Cleanup(func() { in.Close() })
	return in, out
}

// plainPair joins the namespaces with wireguard-go as its makers build it.
func plainPair(b *testing.B, ends ...*end) [2]netip.Addr {
	b.Helper()
	program := filepath.Join(b.TempDir(), "wireguard-go")
	if out, err := exec.Command("go", "build", "-o", program, "golang.zx2c4.com/wireguard").CombinedOutput(); err != nil {
		b.Fatalf("build wireguard-go: %v\n%s", err, out)
	}
	inner := [2]netip.Addr{netip.MustParseAddr("fd02::a"), netip.MustParseAddr("fd02::b")}
	for i, e := range ends {
		name := fmt.Sprintf("kr-plain%d", i)
		cmd := exec.Command(program, "-f", name)
		e.Do(cmd.Start)
		b.Cleanup(func() {
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
		})
		var c net.Conn
		testnet.Eventually(b, "wireguard-go listens", func() (ok bool) {
			var err error
			c, err = net.Dial("unix", "/var/run/wireguard/"+name+".sock")
			return err == nil
		})
		far := ends[1-i]
		fmt.Fprintf(c, "set=1\nprivate_key=%s\nlisten_port=51830\npublic_key=%s\nendpoint=%s\nallowed_ip=::/0\n\n",
			hex.EncodeToString(e.private.Bytes()), hex.EncodeToString(far.public[:]), netip.AddrPortFrom(far.outer, 51830))
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != "errno=0\n" {
			b.Fatalf("%q, %v", line, err)
		}
		e.must(c.Close())
		e.must(e.Netlink().LinkSetMTU(e.Link(name), mtu))
		e.Up(name)
		e.address(name, netip.PrefixFrom(inner[i], 64))
	}
	return inner
}

// BenchmarkSilence is the time from the call to the last packet that came
// through, at 10,000 packets per second, over 20 calls: WireGuard makes the
// session for the next one 5 s later.
func BenchmarkSilence(b *testing.B) {
	const calls = 20
	near, far := pair(b, false, false)
	near.must(far.dev.Set(far.config(near, random(b))))
	for b.Loop() {
		var took []time.Duration
		for range calls {
			took = append(took, silence(b, near, far))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[calls-1].Microseconds()), "worst-µs")
		b.ReportMetric(float64(took[calls/2].Microseconds()), "p50-µs")
	}
	b.ReportMetric(0, "ns/op")
}

// silence keys a lane and silences it under a flow of packets.
func silence(b *testing.B, near, far *end) time.Duration {
	psk := random(b)
	near.must(near.dev.Set(near.config(far, psk)))
	near.must(far.dev.SetPreshared(near.public, psk))
	if !echo(near, far, 2*testnet.Deadline) {
		b.Fatal("no packet comes through")
	}
	flow := near.Flow(near.inner, far.Namespace, netip.AddrPortFrom(far.inner, 9), 10_000, "")
	testnet.Eventually(b, "100 packets to come", func() bool { return flow.Arrived() > 100 })
	called := time.Now()
	near.must(near.dev.Silence())
	sent := flow.Sent()
	testnet.Eventually(b, "2,000 more packets to be sent", func() bool { return flow.Sent() > sent+2000 })
	return max(0, flow.Stop().Last.Sub(called))
}
