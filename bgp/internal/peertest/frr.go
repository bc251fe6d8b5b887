package peertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FRR is a bgpd of FRR, without zebra: it speaks, and forwards nothing.
type FRR struct {
	*Process
	t      testing.TB
	ns     *Namespace
	dir    string
	bgpd   string
	vtysh  string
	listen string
}

// NewFRR starts bgpd with a configuration. It listens on one address.
func NewFRR(n *Namespace, listen, config string) *FRR {
	n.t.Helper()
	f := &FRR{t: n.t, ns: n, listen: listen, bgpd: Program(n.t, "/usr/lib/frr/bgpd", "frr"), vtysh: Program(n.t, "vtysh", "frr")}
	dir, err := os.MkdirTemp("", "frr") // short: it has sockets in it
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { os.RemoveAll(dir) })
	f.dir = dir
	if err := os.WriteFile(filepath.Join(dir, "bgpd.conf"), []byte(config), 0o600); err != nil {
		n.t.Fatal(err)
	}
	f.Run()
	return f
}

// Run starts it, again after Kill.
func (f *FRR) Run() {
	f.t.Helper()
	f.Process = f.ns.Start(nil, f.bgpd, "--skip_runas", "--no_kernel", "--log", "stdout", "--log-level", "debugging",
		"-f", filepath.Join(f.dir, "bgpd.conf"), "-i", filepath.Join(f.dir, "bgpd.pid"), "-z", filepath.Join(f.dir, "no-zebra"),
		"--vty_socket", f.dir, "-P", "0", "-l", f.listen)
	Eventually(f.t, "bgpd answers", func() string {
		if out, err := f.Ask("show version"); err != nil {
			return out + err.Error()
		}
		return ""
	})
}

// Ask runs a command of vtysh.
func (f *FRR) Ask(command string) (string, error) {
	return f.ns.Output(f.vtysh, "--vty_socket", f.dir, "-d", "bgpd", "-c", command)
}

// JSON runs a command that answers in JSON.
func (f *FRR) JSON(command string, answer any) error {
	out, err := f.Ask(command)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), answer)
}
