package rtnl

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// callers gives names to netlink ports. A process gets its own number as port
// of its first socket, unless it asks for another one; so the name is what the
// kernel lets us know, and no proof. Where no process has the number, it has
// ended, is in another pid namespace, or the port is of a further socket: then
// the port alone is told.
type callers struct {
	known map[uint32]caller
}

type caller struct {
	name string // "" it had ended
	seen time.Time
}

const (
	maxCallers = 1024
	// justSeen is how long a name is believed without a look: tools that are
	// run again and again end between two changes.
	justSeen = time.Second
	// maxPID is the kernel's PID_MAX_LIMIT on 64 bits; ports of further sockets
	// are greater.
	maxPID = 1 << 22
)

func (c *callers) name(port uint32, now time.Time) string {
	k, ok := c.known[port]
	if !ok || now.Sub(k.seen) > justSeen {
		if c.known == nil || len(c.known) >= maxCallers {
			c.known = make(map[uint32]caller)
		}
		k = caller{comm(port), now}
		c.known[port] = k
	}
	if k.name == "" {
		return fmt.Sprintf("netlink port %d", port)
	}
	return fmt.Sprintf("%s, pid %d", k.name, port)
}

// comm is the name of a process; "" there is none.
func comm(pid uint32) string {
	if pid > maxPID {
		return ""
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, string(bytes.TrimSuffix(b, []byte("\n")))), "?")
}
