package lane_test

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/lane"
)

// What a client asked that has given up since is not done after what it asks
// over another connection: a lane that was silenced stays silent.
func TestSilenceIsTheLastWord(t *testing.T) {
	a, _ := pair(t, false, false)
	a.open()
	a.must(a.dev.Silence())
	pid := a.pid()
	ask := func(request string) net.Conn {
		c, err := net.Dial("unix", filepath.Join(a.helpers.Dir, dev+".sock"))
		a.must(err)
		_, err = c.Write([]byte(request))
		a.must(err)
		return c
	}
	answer := func(c net.Conn) {
		if block, err := lane.ReadBlock(bufio.NewReader(c)); err != nil || block[len(block)-1] != [2]string{"errno", "0"} {
			t.Fatal(block, err)
		}
	}
	set := fmt.Sprintf("set=1\nreplace_peers=true\npublic_key=%064x\npreshared_key=%064x\nallowed_ip=0.0.0.0/0\n\n", 0x1234, 0x77)
	for range 300 {
		given := ask("version=1\n\n") // it is being served
		answer(given)
		a.must(unix.Kill(pid, unix.SIGSTOP))
		_, err := given.Write([]byte(set))
		a.must(err)
		given.Close()
		next := ask("set=1\nreplace_peers=true\n\n")
		a.must(unix.Kill(pid, unix.SIGCONT))
		answer(next)
		next.Close()
		for range 3 { // what is late comes now
			if a.status().Peer != (lane.PublicKey{}) {
				t.Fatal("it has a peer")
			}
		}
	}
}
