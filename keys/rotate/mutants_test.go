package rotate

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutants = flag.Bool("mutants", false, "show that broken machines are found out; builds one test binary for each")

// TestMutants breaks the machine, one rule at a time, and expects that the
// exploration finds it, and says what the rule says.
func TestMutants(t *testing.T) {
	if !*mutants {
		t.Skip("builds a binary per mutant; run with -mutants")
	}
	for _, m := range []struct{ name, file, rule, broken, by, found string }{
		{"the initiator commits before the responder has", "initiate.go",
			"	m.tried = t.epoch\n",
			"	for _, o := range t.offers { if l := m.lane(o.Lane); l != nil { m.take(l, o, t.epoch, t.secret.Key, t.quanta) } }\n	m.disk.want.Epoch = t.epoch\n	m.tried = t.epoch\n",
			"TestModel", "the initiator installs"},
		{"the responder accepts an equal epoch", "respond.go",
			"poch <= m.disk.want.Epoch", "poch < m.disk.want.Epoch", "TestModel", "one epoch, two keys"},
		{"the old key is erased at the commit", "lane.go",
			"	m.retire(l, l.current)\n", "	m.erase(l, &l.current)\n", "TestModel", "still uses"},
		{"a key whose install failed is old", "lane.go",
			"		if k.epoch >= before {\n", "		if false {\n", "TestLateKey", "erased"},
		{"an old handshake is proof", "lane.go",
			"e.At.Before(l.current.at.Add(m.params.ProofMargin))", "false", "TestModel", "still uses"},
		{"Confirm is not repeated", "initiate.go",
			"case t.sent < m.params.Sends:", "case t.stage != confirming && t.sent < m.params.Sends:", "TestPlays", "play differs"},
		{"Confirm is not repeated, nor given up", "initiate.go",
			"case !m.due(t.resend):", "case !m.due(t.resend) || t.stage == confirming:", "TestModel", "never agree"},
		{"a Confirm is answered once", "respond.go",
			"		m.emit(Send{m.last.commit})\n", "", "TestPlays", "play differs"},
		{"keys are installed before the epoch is on disk", "lane.go",
			"l.next.epoch > m.disk.durable.Epoch ||", "", "TestModel", "on disk is"},
		{"the epoch is not written", "disk.go",
			"	d.writing, d.written = true, d.want.clone()\n	m.emit(Persist{d.want.clone()})",
			"	d.writing, d.written = true, d.want.clone()\n	lost := d.want.clone()\n	lost.Epoch = 0\n	m.emit(Persist{lost})", "TestModel", "on disk is"},
		{"the floor falls with the configuration", "types.go",
			"max(f.Level, l.Level)", "l.Level", "TestModel", "is open with a classic key"},
		{"a floor is lowered by what lowered it before", "types.go",
			"l.Lowered > f.Lowered", "l.Lowered > 0", "TestFloor", "lowered twice"},
		{"a restart forgets the floor", "machine.go",
			"	m.disk = disk{", "	c.State.Floors = nil\n	m.disk = disk{", "TestPlays", "play differs"},
		{"any number of Inits is answered", "respond.go",
			"len(m.half) >= max(m.params.HalfOpen, 1) && !m.due(m.half[0].at.Add(m.params.Resend))", "false", "TestFlood", "Replies"},
		{"a lane opens before its floor is on disk", "lane.go",
			"m.disk.durable.floor(l.id.Intent) < l.need", "false", "TestFloor", "open before the floor is on disk"},
		{"a lane without a key opens", "lane.go",
			"case k.epoch == 0:", "case k.epoch == 0 && l.need == 0:\n	case false:", "TestPlays", "play differs"},
		{"an old key is as good as a young one", "lane.go",
			"case m.due(closeAt):", "case m.due(closeAt) && false:", "TestPlays/dry", "with a key of age"},
		{"a Confirm from before a crash is taken", "respond.go",
			"	for range i {\n", "	for range 0 {\n", "TestModel", "until both ends agree"},
		{"a failed install counts as done", "lane.go",
			"		m.unadopt(l)\n		return\n", "		m.installed(Installed{e.Lane, e.Epoch})\n		return\n", "TestModel", "is open with a classic key"},
		{"a restarted end waits for the next interval", "machine.go",
			"configured: true, due: now, born: now}", "configured: true, due: now.Add(m.params.Interval), born: now}", "TestModel", "until both ends agree"},
		{"a QKD key is used again", "initiate.go",
			"			l.spare = QKDKey{}\n", "", "TestModel", "installs"},
		{"a compromise has no bound", "lane.go",
			"case m.distrusted(l) && m.due(m.proveBy):", "case false:", "TestModel", "known to others"},
	} {
		t.Run(m.name, func(t *testing.T) {
			src, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(src), m.rule) == 0 {
				t.Fatalf("%s has no %q any more", m.file, m.rule)
			}
			dir := t.TempDir()
			broken := filepath.Join(dir, m.file)
			if err := os.WriteFile(broken, []byte(strings.ReplaceAll(string(src), m.rule, m.broken)), 0o600); err != nil {
				t.Fatal(err)
			}
			file, _ := filepath.Abs(m.file)
			overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {file: broken}})
			list := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("go", "test", "-overlay", list, "-vet=off", "-failfast", "-run", m.by, ".").CombinedOutput()
			if err == nil {
				t.Fatal("nobody noticed")
			}
			if !strings.Contains(string(out), m.found) || strings.Contains(string(out), "[build failed]") {
				t.Fatalf("found out, but not for %q:\n%s", m.found, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, m.found) {
					t.Log(strings.TrimSpace(line))
					break
				}
			}
		})
	}
}
