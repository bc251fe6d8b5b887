package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/keiro-net/keiro/controller/api/resource"
)

const inNamespace = "KEIRO_TEST_IN_NAMESPACE"

// alone runs the test again in a network namespace of its own, where it has the
// loopback interface to itself, and reports whether it is there.
func alone(t *testing.T, program string) bool {
	t.Helper()
	if os.Getenv(inNamespace) == t.Name() {
		if err := loopbackUp(); err != nil {
			t.Fatal(err)
		}
		return true
	}
	missing := func(what string) {
		if os.Getenv("CI") != "" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	if _, err := exec.LookPath(program); err != nil {
		missing("needs " + program + " (Debian package of that name)")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		missing(fmt.Sprint("needs a network namespace: ", err))
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("in a namespace: %v\n%s", err, out)
	}
	return false
}

// loopbackUp sets lo up, by netdevice(7).
func loopbackUp() error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("set lo up: %w", errno)
	}
	return nil
}

const amURL = "http://127.0.0.1:9093" // in a namespace of our own

// runAlertmanager starts the real one, which posts to a webhook receiver.
func runAlertmanager(t *testing.T, program, hook string) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	text := fmt.Sprintf(`route: {receiver: hook, group_by: [alert_id], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: hook
    webhook_configs: [{url: %q, send_resolved: true}]
`, hook)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address=127.0.0.1:9093", "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	until(t, "Alertmanager is ready", func() bool {
		resp, err := http.Get(amURL + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// gettable is an alert as Alertmanager's API lists it.
type gettable struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	Fingerprint         string
}

// active is what fires by the word of Alertmanager.
func active(t *testing.T) (all []gettable) {
	t.Helper()
	resp, err := http.Get(amURL + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRealAlertmanager: what we push is there as we mean it, changes and ends;
// and what Alertmanager itself posts to a webhook receiver has the shape of what
// we post to one.
func TestRealAlertmanager(t *testing.T) {
	const program = "prometheus-alertmanager"
	if !alone(t, program) {
		return
	}
	posts := make(chan []byte, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- body
	}))
	t.Cleanup(hook.Close)
	runAlertmanager(t, program, hook.URL)
	s, _ := start(t, &memory{}, Endpoint{Name: "am", Kind: Alertmanager, URL: amURL})

	now := time.Now().UTC().Truncate(time.Millisecond)
	a := firing("lost/srlg:keihan-duct")
	a.Severity, a.CausedAt, a.DetectedAt = resource.Warning, now.Add(-3*time.Millisecond), now
	a.Evidence = []resource.Evidence{{Kind: resource.ByNetlink, Source: "node:osa1", Text: "eth1 lost its carrier", At: now}}
	send(t, s, a)
	var got []gettable
	until(t, "it fires", func() bool { got = active(t); return len(got) == 1 })
	want := amOne(&a)
	if !maps.Equal(got[0].Labels, want.Labels) || !maps.Equal(got[0].Annotations, want.Annotations) || !got[0].StartsAt.Equal(a.CausedAt) {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	if hold := time.Until(got[0].EndsAt); hold < amRepeat || hold > amHold {
		t.Errorf("it is believed for %s", hold)
	}
	if got[0].Fingerprint != fingerprint(want.Labels) {
		t.Errorf("fingerprint %s, ours is %s", got[0].Fingerprint, fingerprint(want.Labels))
	}

	a.Severity, a.Updates, a.UpdatedAt, a.After = resource.Critical, 1, now.Add(time.Millisecond), "0 of 2 paths"
	a.SeveritiesBefore = []resource.Severity{resource.Warning}
	send(t, s, a)
	until(t, "it is critical, and no longer a warning", func() bool {
		got = active(t)
		return len(got) == 1 && got[0].Labels["severity"] == "critical" && got[0].Annotations["after"] == "0 of 2 paths"
	})
	a.Status, a.ResolvedAt = resource.Resolved, time.Now().UTC()
	send(t, s, a)
	until(t, "it is over", func() bool { return len(active(t)) == 0 })
	if d := s.Deliveries()[0]; d.Failed != 0 || d.Lost != 0 {
		t.Errorf("%+v", d)
	}

	states := map[string]bool{}
	for !states["firing warning"] || !states["resolved critical"] {
		var theirs []byte
		select {
		case theirs = <-posts:
		case <-time.After(30 * time.Second):
			t.Fatalf("Alertmanager told its receiver only %v", slices.Sorted(maps.Keys(states)))
		}
		var p payload
		d := json.NewDecoder(bytes.NewReader(theirs))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			t.Fatalf("%v: %s", err, theirs)
		}
		for _, one := range p.Alerts {
			states[one.Status+" "+one.Labels["severity"]] = true
		}
		ours, err := receiverBody(a, "hook")
		if err != nil {
			t.Fatal(err)
		}
		if x, y := shapeOf(t, ours), shapeOf(t, theirs); x != y {
			t.Errorf("our payload has the shape\n%s\ntheirs\n%s", x, y)
		}
	}
}

// shapeOf renders the keys of a document and the types of their values, of lists
// the first element, without what labels and annotations there are.
func shapeOf(t *testing.T, document []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	var shape func(v any, key string) string
	shape = func(v any, key string) string {
		switch v := v.(type) {
		case map[string]any:
			if strings.HasSuffix(strings.ToLower(key), "labels") || strings.HasSuffix(strings.ToLower(key), "annotations") {
				return "strings"
			}
			var keys []string
			for _, k := range slices.Sorted(maps.Keys(v)) {
				keys = append(keys, k+" "+shape(v[k], k))
			}
			return "{" + strings.Join(keys, ", ") + "}"
		case []any:
			return "[" + shape(v[0], key) + "]"
		}
		return fmt.Sprintf("%T", v)
	}
	return shape(v, "")
}
