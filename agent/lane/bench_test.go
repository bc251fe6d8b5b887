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
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// BenchmarkThroughput sends TCP through a lane, and through plain
// wireguard-go in the same namespaces, in turns.
func BenchmarkThroughput(b *testing.B) {
	near, far := pair(b, false, false)
	psk := random(b)
	near.must(near.dev.Set(near.config(far, psk)))
	far.must(far.dev.Set(far.config(near, psk)))
	plain := plainPair(b, near, far)
	b.Run("lane", func(b *testing.B) { near.pour(b, far, near.inner, far.inner) })
	b.Run("wireguard-go", func(b *testing.B) { near.pour(b, far, plain[0], plain[1]) })
}

// pour sends b.N megabytes.
func (e *end) pour(b *testing.B, far *end, from, to netip.Addr) {
	b.SetBytes(1 << 20)
	var listen net.Listener
	far.Do(func() (err error) {
		listen, err = net.Listen("tcp", netip.AddrPortFrom(to, 0).String())
		return err
	})
	defer listen.Close()
	done := make(chan error, 1)
	go func() {
		c, err := listen.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, c)
		}
		done <- err
	}()
	var c net.Conn
	e.Do(func() (err error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), Timeout: 10 * time.Second}
		c, err = d.Dial("tcp", listen.Addr().String())
		return err
	})
	mb := make([]byte, 1<<20)
	for b.Loop() {
		if _, err := c.Write(mb); err != nil {
			b.Fatal(err)
		}
	}
	e.must(c.Close())
	e.must(<-done)
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
// through, at 10,000 packets per second; p99 over b.N calls.
func BenchmarkSilence(b *testing.B) {
	near, far := pair(b, false, false)
	near.must(far.dev.Set(far.config(near, random(b))))
	var took []time.Duration
	for b.Loop() {
		psk := random(b)
		near.must(near.dev.Set(near.config(far, psk)))
		near.must(far.dev.SetPreshared(near.public, psk))
		if !echo(near, far, 2*testnet.Deadline) {
			b.Fatal("no packet comes through")
		}
		stop, last := flow(near, far)
		called := time.Now()
		near.must(near.dev.Silence())
		took = append(took, max(0, stop(last).Sub(called)))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}

// flow sends 10,000 packets per second; stop says when the last one came.
func flow(a, b *end) (stop func(*time.Time) time.Time, last *time.Time) {
	at := netip.AddrPortFrom(b.inner, 9)
	far, near := b.UDP(at), a.UDP(netip.AddrPortFrom(a.inner, 0))
	ended, heard, began := make(chan struct{}), make(chan struct{}), make(chan struct{})
	last = new(time.Time)
	go func() {
		defer close(heard)
		buf := make([]byte, 64)
		for n := 0; ; n++ {
			if _, err := far.Read(buf); err != nil {
				return
			}
			*last = time.Now()
			if n == 100 {
				close(began)
			}
		}
	}()
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				for range 10 {
					_, _ = near.WriteToUDPAddrPort([]byte("packet"), at)
				}
			}
		}
	}()
	<-began
	return func(last *time.Time) time.Time {
		time.Sleep(200 * time.Millisecond) // what is on its way still counts
		close(ended)
		near.Close()
		far.Close()
		<-heard
		return *last
	}, last
}
