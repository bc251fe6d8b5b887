package keying

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stream sends numbered packets through a lane until stop, which says how many
// were sent and how many arrived.
func stream(a, b *node, id int, every time.Duration) (stop func() (sent, arrived int64)) {
	return bursts(a, b, id, every, 1)
}

// bursts sends several packets at a time.
func bursts(a, b *node, id int, every time.Duration, size int) (stop func() (sent, arrived int64)) {
	at := netip.AddrPortFrom(b.inner(id), 9)
	far, near := b.UDP(at), a.UDP(netip.AddrPortFrom(a.inner(id), 0))
	roomy(b.t, far)
	var sent, arrived atomic.Int64
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				for range size {
					_, _ = near.WriteToUDPAddrPort(binary.BigEndian.AppendUint64([]byte(marker), uint64(sent.Add(1))), at)
				}
			}
		}
	}()
	go func() {
		buf := make([]byte, 64)
		for {
			if _, err := far.Read(buf); err != nil {
				return
			}
			arrived.Add(1)
		}
	}()
	return func() (int64, int64) {
		close(ended)
		<-done
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && arrived.Load() < sent.Load(); {
			time.Sleep(time.Millisecond)
		}
		near.Close()
		far.Close()
		return sent.Load(), arrived.Load()
	}
}

// roomy lets a socket hold what comes while its reader waits for a processor:
// that would not be the lane's loss.
func roomy(t testing.TB, c *net.UDPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	}))
	must(t, err)
}
