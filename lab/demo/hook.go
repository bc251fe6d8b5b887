package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/keys/sign"
)

// receiver is somebody who wants alerts: a webhook receiver on this machine.
type receiver struct {
	server  *http.Server
	trusted []webhook.Verifier
	public  []byte // of the key that the controller signs with as well
	config  string // file for the controller
	alerts  chan received

	mu   sync.Mutex
	seen map[string]bool // by id of the message
}

// received is an alert with a good signature and when it came.
type received struct {
	resource.Alert
	at      time.Time
	request []byte // as it came
}

// listen starts a receiver and writes into dir what the controller needs to
// know of it.
func listen(dir string) (*receiver, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	text := "whsec_" + base64.StdEncoding.EncodeToString(key)
	trusted, err := webhook.ParseVerifier(text)
	if err != nil {
		return nil, err
	}
	signing, err := sign.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for alerts: %w", err)
	}
	r := &receiver{
		trusted: []webhook.Verifier{trusted}, public: signing.Public().Marshal(), config: filepath.Join(dir, "alerting.yaml"),
		alerts: make(chan received, 100), seen: map[string]bool{},
	}
	config := fmt.Sprintf(`apiVersion: keiro/v1
kind: Alerting
spec:
  endpoints:
    - {name: demo, kind: webhook, url: "http://%s/alerts", secretsFile: secret, signingKeyFiles: [signing.key], allow: [127.0.0.1]}
`, l.Addr())
	for name, content := range map[string]string{r.config: config, filepath.Join(dir, "secret"): text + "\n", filepath.Join(dir, "signing.key"): string(signing.MarshalPrivate())} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			l.Close()
			return nil, err
		}
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(l) }() // until close
	return r, nil
}

// ServeHTTP takes a webhook as the specification asks for: verify, drop what
// was seen before, answer 2xx.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err == nil {
		err = webhook.Verify(r.trusted, request.Header, body, at)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var m alert.Message
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := request.Header.Get(webhook.HeaderID)
	if !r.seen[id] {
		r.seen[id] = true
		r.alerts <- received{m.Data, at, stored(request, body)}
	}
}

// await returns the next alert that is the one wanted.
func (r *receiver) await(ctx context.Context, what string, wanted func(resource.Alert) bool) (received, error) {
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	var others []string
	for {
		select {
		case a := <-r.alerts:
			if wanted(a.Alert) {
				return a, nil
			}
			others = append(others, fmt.Sprintf("%s, %s, of %s", a.Name, a.Status, a.Cause.Object))
		case <-late.C:
			return received{}, fmt.Errorf("no alert came %s, but: %s", what, strings.Join(others, "; "))
		case <-ctx.Done():
			return received{}, ctx.Err()
		}
	}
}

func (r *receiver) close() { _ = r.server.Close() }
