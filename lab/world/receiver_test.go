package world_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// receiver is an operator's webhook receiver. It takes what is signed.
type receiver struct {
	alerting string // file for the controller's flag

	mu  sync.Mutex
	got []received
}

// received is a webhook and when it came.
type received struct {
	at     time.Time
	alert  resource.Alert
	update bool
}

func listen(t testing.TB) *receiver {
	t.Helper()
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of 32 bytes for testing"))
	key, err := webhook.ParseVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{alerting: filepath.Join(t.TempDir(), "alerting.yaml")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		at := time.Now()
		body, err := io.ReadAll(req.Body)
		var m alert.Message
		if err == nil {
			err = webhook.Verify([]webhook.Verifier{key}, req.Header, body, at)
		}
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil {
			t.Error("webhook:", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, received{at, m.Data, m.Type == "alert.updated"})
	}))
	t.Cleanup(server.Close)
	for name, text := range map[string]string{
		r.alerting: fmt.Sprintf("apiVersion: keiro/v1\nkind: Alerting\nspec:\n  endpoints:\n    - {name: ops, kind: webhook, url: %q, secretsFile: secret, allow: [127.0.0.1]}\n", server.URL),
		filepath.Join(filepath.Dir(r.alerting), "secret"): secret + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// find returns the first webhook since a time that is about an object and has
// the given status.
func (r *receiver) find(object string, status resource.AlertStatus, since time.Time) (received, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.got {
		if g.alert.Cause.Object == object && g.alert.Status == status && !g.at.Before(since) {
			return g, nil
		}
	}
	return received{}, fmt.Errorf("no %s alert of %s among %d webhooks", status, object, len(r.got))
}

// named returns the first webhook since a time of alerts with that name and
// status.
func (r *receiver) named(name string, status resource.AlertStatus, since time.Time) (received, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.got {
		if g.alert.Name == name && g.alert.Status == status && !g.at.Before(since) {
			return g, nil
		}
	}
	return received{}, fmt.Errorf("no %s alert %s among %d webhooks", status, name, len(r.got))
}

// about returns the alert of a shared risk or, where the machine was too busy
// to see its links fail within the time in which failures are gathered, those
// of its links.
func (r *receiver) about(risk string, since time.Time, links ...string) ([]received, error) {
	whole, err := r.find(risk, resource.Firing, since)
	if err == nil {
		return []received{whole}, nil
	}
	var parts []received
	for _, link := range links {
		part, partErr := r.find(link, resource.Firing, since)
		if partErr != nil {
			return nil, errors.Join(err, partErr)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// count says how often an alert about an object came, by whatever delivery; of
// several alerts the one that came most often. Updates do not count.
func (r *receiver) count(object string, status resource.AlertStatus) (most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	came := map[string]int{} // by what the alert is
	for _, g := range r.got {
		if g.alert.Cause.Object == object && g.alert.Status == status && !g.update {
			came[g.alert.ID]++
			most = max(most, came[g.alert.ID])
		}
	}
	return most
}
