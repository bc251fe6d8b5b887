// Package api serves the controller's REST API under /api/v1, its OpenAPI 3.1
// document, metrics and health. It translates between HTTP and Backend and
// decides nothing: what is declared, valid or true is the Backend's word. It
// never holds up the controller, however slow or hostile a client is. The
// controller's main starts it; the command line speaks to it through
// controller/api/client. huma and the Prometheus client library live here and
// nowhere else.
//
// package budget: one small file a group of calls, which share the server and
// its limits
package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Limits of one server.
const (
	maxApplyBytes  = 64 << 20 // of the documents of one apply or diff
	maxBodyBytes   = 64 << 10 // of any other body
	maxHeaderBytes = 64 << 10
	maxApplies     = 4   // applies and diffs at a time, for each may hold maxApplyBytes
	maxWatches     = 256 // watches at a time
	maxLearned     = 2   // answers with all that was learned at a time, for each is as large as the network
	maxEvents      = 1000
	maxTokenTTL    = 7 * 24 * time.Hour

	readTimeout  = 2 * time.Minute            // of a whole request
	bodyTimeout  = readTimeout + answerWithin // net/http ends a handler's context with the read deadline
	answerWithin = time.Minute                // for the Backend
	drainWithin  = 5 * time.Second            // for answers under way when the server stops
)

// Config is what a Server needs.
type Config struct {
	Backend Backend
	Auth    Authorizer
	Version resource.Version
	Log     *slog.Logger
	// Collectors are served at /metrics beside those of the API itself.
	Collectors []prometheus.Collector
	// Alerts, if given, tells how the alerts' endpoints fare.
	Alerts Alerts
}

// Alerts is what sends alerts.
type Alerts interface {
	Deliveries() []resource.Delivery
	DeadLetters() []resource.DeadLetter
	// Replay sends dead letters again; no ids: all.
	Replay(ctx context.Context, ids []string) ([]resource.DeadLetter, error)
}

// Server serves the API.
type Server struct {
	Config
	mux      *http.ServeMux
	api      huma.API
	document []byte // /openapi.json
	metrics  *metrics
	applies  chan struct{} // slots
	watches  chan struct{} // slots
	learned  chan struct{} // slots
	stopping context.Context
	stop     context.CancelFunc
}

// New returns a Server; it is an http.Handler with authentication and all.
func New(cfg Config) (*Server, error) {
	if cfg.Backend == nil || cfg.Auth == nil || cfg.Log == nil {
		return nil, errors.New("api server: Backend, Auth and Log must be given")
	}
	s := &Server{
		Config: cfg, mux: http.NewServeMux(),
		applies: make(chan struct{}, maxApplies), watches: make(chan struct{}, maxWatches),
		learned: make(chan struct{}, maxLearned),
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	var err error
	if s.metrics, err = newMetrics(cfg, s.watches); err != nil {
		return nil, fmt.Errorf("api server: %w", err)
	}
	s.api = humago.New(s.mux, openAPIConfig())
	s.register()
	if s.document, err = openAPIDocument(s.api); err != nil {
		return nil, fmt.Errorf("api server: %w", err)
	}
	return s, nil
}

// OpenAPI returns the OpenAPI 3.1 document.
func (s *Server) OpenAPI() []byte { return s.document }

func (s *Server) register() {
	s.registerApply()
	s.registerChanges()
	s.registerConfirm()
	s.registerWaivers()
	s.registerIntents()
	s.registerNetwork()
	s.registerLanes()
	s.registerLearned()
	s.registerCompliance()
	s.registerLog()
	s.registerAlerts()
	s.registerWatch()
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(s.document) // the client has gone: nobody to tell
	})
	s.mux.Handle("GET /metrics", s.metrics.handler)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.Backend.State() == nil {
			writeProblem(w, http.StatusServiceUnavailable, "the store was not read yet")
			return
		}
		fmt.Fprintln(w, "ok")
	})
}

// Serve answers on l until ctx ends, then lets answers under way finish for a
// few seconds. With a nil tlsConfig, l is taken to be secure itself.
func (s *Server) Serve(ctx context.Context, l net.Listener, tlsConfig *tls.Config) error {
	server := &http.Server{
		Handler: s, TLSConfig: tlsConfig,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readTimeout, WriteTimeout: bodyTimeout + answerWithin,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	cancel := context.AfterFunc(ctx, func() {
		s.stop() // the watches, which would go on for ever
		grace, cancel := context.WithTimeout(context.Background(), drainWithin)
		defer cancel()
		stopped <- errors.Join(server.Shutdown(grace), server.Close())
	})
	defer cancel()
	var err error
	if tlsConfig != nil {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if ctx.Err() == nil {
		return fmt.Errorf("serve the API on %s: %w", l.Addr(), err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop the API on %s: %w", l.Addr(), err)
	}
	return nil
}
