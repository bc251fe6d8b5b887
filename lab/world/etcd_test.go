package world_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/etcd/server/v3/embed"
)

// The environment that makes this program an etcd: where it listens, and its data.
const (
	etcdListen = "KEIRO_TEST_ETCD_LISTEN"
	etcdDir    = "KEIRO_TEST_ETCD_DIR"
)

// etcdMain is an etcd of one member, a process that can be killed.
func etcdMain() error {
	client, err := url.Parse(os.Getenv(etcdListen))
	if err != nil {
		return err
	}
	c := embed.NewConfig()
	c.Dir, c.LogLevel = os.Getenv(etcdDir), "error"
	c.ListenPeerUrls = nil
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	c.TickMs, c.ElectionMs = 20, 100
	member, err := embed.StartEtcd(c)
	if err != nil {
		return err
	}
	return <-member.Err()
}

// etcd is an etcd that a test runs.
type etcd struct {
	t             *testing.T
	dir, url, bin string
	cmd           *exec.Cmd
}

func newEtcd(t *testing.T) *etcd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the port is free again, and given to nobody else for a while
	e := &etcd{t: t, dir: t.TempDir(), url: "http://" + l.Addr().String()}
	if e.bin, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *etcd) start() {
	e.t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	e.cmd = exec.Command(e.bin)
	e.cmd.Env = append(os.Environ(), etcdListen+"="+e.url, etcdDir+"="+filepath.Join(e.dir, "data"))
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(e.kill)
}

func (e *etcd) kill() {
	_ = e.cmd.Process.Kill() // it may be gone
	_ = e.cmd.Wait()
}

// etcd is lost, and then an agent that has to begin again, and a link: the network
// is repaired, by those who are left. When etcd is back, all is as it was.
func TestEtcdLost(t *testing.T) {
	e := newEtcd(t)
	e.start()
	c := declared(start(t, jp12(t), "--settle", "1s", "--etcd", e.url))
	kernel, first := c.kernel(), c.paths("tyo-osa-gold")[0]
	far := "link:" + first[len(first)-1]
	controller := c.ControllerPID()
	e.kill()
	c.repairs(far)
	c.lossless("an agent that begins again without etcd", []traffic{gold, gold6, silver, operators}, func() {
		c.must(c.KillAgent("tyo1"))
		c.must(c.StartAgent(c.ctx, "tyo1", ""))
		c.obeysAlone("tyo1")
	})
	if err := syscall.Kill(controller, 0); errors.Is(err, syscall.ESRCH) {
		t.Errorf("the controller has ended:\n%s", c.Log("controller"))
	}
	e.start()
	c.lossless("etcd returns", all, func() {
		c.joined()
		c.settled()
	})
	c.restore(far)
	c.settled()
	c.returnsTo("the kernel state to be as in the beginning", kernel)

	// Without etcd no controller begins; the network does not care.
	e.kill()
	c.must(c.KillController())
	c.await("osa1 to know that it is alone", func() error {
		if said := c.status("osa1"); !strings.Contains(said, "no session since") {
			return fmt.Errorf("it says %s", said)
		}
		return nil
	})
	c.repairs(far)
	e.start()
	c.must(c.StartController(c.ctx))
	c.joined()
	c.restore(far)
	c.settled()
	c.returnsTo("the kernel state to be as in the beginning", kernel)
}
