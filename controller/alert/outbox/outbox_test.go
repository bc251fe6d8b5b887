package outbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/alert/outbox"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/store"
)

func TestOutbox(t *testing.T) {
	ctx := t.Context()
	o := outbox.Outbox{Store: store.Memory()}
	a := alert.Delivery{ID: "msg_1", Endpoint: "ops", Alert: resource.Alert{ID: "k", IntentsHit: []string{"gold"}}}
	b := alert.Delivery{ID: "msg_2", Endpoint: "ops"}
	check := func(want string) {
		t.Helper()
		left, err := o.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		letters, err := o.Letters(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range left {
			got = append(got, d.ID)
		}
		for _, l := range letters {
			got = append(got, "dead "+l.ID+" "+l.Reason)
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(o.Put(ctx, []alert.Delivery{a, b}))
	check("msg_1, msg_2")
	if left, err := o.List(ctx); err != nil || left[0].Alert.IntentsHit[0] != "gold" {
		t.Errorf("%+v, %v", left, err)
	}
	do(o.Bury(ctx, alert.Letter{Delivery: a, Reason: "why"}, nil))
	check("msg_2, dead msg_1 why")
	do(o.Bury(ctx, alert.Letter{Delivery: b, Reason: "not"}, []string{"msg_1"}))
	check("dead msg_2 not")
	do(o.Revive(ctx, b))
	check("msg_2")
	do(o.Delete(ctx, "msg_2"))
	do(o.Delete(ctx, "msg_2"))
	check("")
}

// receiver answers 503 until it is told to be well.
type receiver struct {
	mu   sync.Mutex
	well bool
	got  []string // type and id of the alert
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var m alert.Message
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || !r.well {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.got = append(r.got, m.Type+" "+m.Data.ID)
}

// sendUntilKilled is a controller's life: with its store and its sender, each
// alert fired and resolved, and told on stdout once Send has returned.
func sendUntilKilled(dir, url string, alerts int) error {
	ctx := context.Background()
	kept, err := store.Open(ctx, store.Options{Dir: filepath.Join(dir, "store")})
	if err != nil {
		return err
	}
	s, err := alert.New(ctx, alert.Config{
		Endpoints: []alert.Endpoint{{Name: "noc", Kind: alert.Webhook, URL: url, SecretsFile: filepath.Join(dir, "secret"), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}},
		Outbox:    outbox.Outbox{Store: kept}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	go s.Run(ctx)
	fmt.Println("runs")
	for n := range alerts {
		a := resource.Alert{ID: fmt.Sprint("a", n), Status: resource.Firing, DetectedAt: time.Now()}
		for range 2 {
			if err := s.Send(ctx, a); err != nil {
				return err
			}
			fmt.Println(a.Status, a.ID)
			a.Status, a.ResolvedAt = resource.Resolved, time.Now()
		}
	}
	select {} // until it is killed
}

const lifeOf = "KEIRO_TEST_SENDER" // DIR URL ALERTS: this process is such a life

func TestMain(m *testing.M) {
	if args := strings.Fields(os.Getenv(lifeOf)); len(args) == 3 {
		var alerts int
		_, err := fmt.Sscan(args[2], &alerts)
		if err == nil {
			err = sendUntilKilled(args[0], args[1], alerts)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKilled: a controller is killed with alerts on their way, twice. What it
// had taken comes, in order, once its receiver is well.
func TestKilled(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600); err != nil {
		t.Fatal(err)
	}
	live := func(alerts int, until func(taken []string) bool) (taken []string) {
		t.Helper()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", lifeOf, dir, server.URL, alerts))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for !until(taken) {
			if !lines.Scan() {
				t.Fatal("it ended by itself", lines.Err())
			}
			if text := lines.Text(); text != "runs" {
				taken = append(taken, text)
			}
		}
		if err := cmd.Process.Kill(); err != nil { // SIGKILL
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, it says
		return taken
	}
	taken := live(1000, func(taken []string) bool { return len(taken) == 41 })
	live(1, func(taken []string) bool { return len(taken) == 2 })
	r.mu.Lock()
	r.well = true
	r.mu.Unlock()
	deadline := time.Now().Add(30 * time.Second)
	var missing []string
	live(0, func([]string) bool {
		for {
			r.mu.Lock()
			got := r.got
			r.mu.Unlock()
			first := map[string]int{}
			for n, what := range got {
				if _, seen := first[what]; !seen {
					first[what] = n
				}
			}
			missing = nil
			for _, what := range taken {
				if _, came := first[strings.Replace(strings.Replace(what, "firing", alert.Fired, 1), "resolved", alert.Resolved, 1)]; !came {
					missing = append(missing, what)
				}
			}
			for what, at := range first {
				id, over := strings.CutPrefix(what, alert.Resolved+" ")
				if fired, came := first[alert.Fired+" "+id]; over && (!came || fired > at) {
					t.Errorf("%s was resolved before it fired", id)
				}
			}
			if len(missing) == 0 || time.Now().After(deadline) {
				return true
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	if len(missing) > 0 {
		t.Errorf("never came: %v", missing)
	}
}
