package bgp

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/bgp/transport"
)

// accept hands connections to the peers they come from. All others are closed
// before an octet is read.
func (s *Speaker) accept(l *transport.Listener) {
	for {
		tcp, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors: it must not spin
			s.cfg.Log.Error("bgp: cannot accept connections", "listener", l.Addr().String(), "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		s.assign(tcp)
	}
}

func (s *Speaker) assign(tcp net.Conn) {
	from, _ := netip.ParseAddrPort(tcp.RemoteAddr().String())
	address := from.Addr().Unmap()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.peers {
		if p.cfg.Address != address {
			continue
		}
		select {
		case p.accepted <- tcp:
		default: // one is waiting already
			tcp.Close()
		}
		return
	}
	n := s.refused.Add(1) // before the stranger sees it
	tcp.Close()
	if n&(n-1) == 0 { // each time there are twice as many
		s.cfg.Log.Warn("bgp connection refused: the address is no peer's", "address", address.String(), "refused", n)
	}
}
