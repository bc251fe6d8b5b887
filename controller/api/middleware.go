package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// ServeHTTP is the one door: it recovers, authenticates, counts and logs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	answer := &recorder{ResponseWriter: w}
	defer func() {
		fault := recover()
		if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(fault)
		}
		if fault != nil {
			s.Log.ErrorContext(r.Context(), "api handler panicked", "method", r.Method, "path", r.URL.Path,
				"panic", fault, "stack", string(debug.Stack()))
			if answer.status == 0 {
				writeProblem(answer, http.StatusInternalServerError, "a fault of the controller: its log says more")
			}
		}
		s.metrics.observe(r, answer.status, time.Since(began))
		if r.Method != http.MethodGet {
			s.Log.InfoContext(r.Context(), "api request", "method", r.Method, "path", r.URL.Path,
				"status", answer.status, "principal", Principal(r.Context()), "remote", r.RemoteAddr)
		}
	}()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
		principal, ok := s.authorize(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="keiro"`)
			writeProblem(answer, http.StatusUnauthorized, "a valid bearer token is needed")
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), principalKey{}, principal))
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.refuse(answer, r)
		return
	}
	s.mux.ServeHTTP(answer, r)
}

func (s *Server) authorize(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", false
	}
	return s.Auth.Authorize(token)
}

// refuse answers as the mux would, 404 or 405 with Allow, but with a problem.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	mute := &recorder{ResponseWriter: w, mute: true}
	s.mux.ServeHTTP(mute, r)
	detail := "there is nothing at " + r.URL.Path + ": see /openapi.json"
	if mute.status == http.StatusMethodNotAllowed {
		detail = r.URL.Path + " knows only " + w.Header().Get("Allow")
	}
	writeProblem(w, mute.status, detail)
}

// slot lets an operation run only while there is room.
func (s *Server) slot(slots chan struct{}, what string) huma.Middlewares {
	return huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next(ctx)
		default:
			ctx.SetHeader("Retry-After", "1")
			// It reports to the client; it fails only when that has gone.
			_ = huma.WriteErr(s.api, ctx, http.StatusServiceUnavailable, "too many "+what+" at a time: try again")
		}
	}}
}

// recorder remembers the status. Mute, it writes nothing.
type recorder struct {
	http.ResponseWriter
	status int
	mute   bool
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	if !r.mute {
		r.ResponseWriter.WriteHeader(status)
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.mute {
		return len(b), nil
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
