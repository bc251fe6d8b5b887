package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// statuses is the one place where kinds of errors become HTTP statuses.
var statuses = map[resource.ErrorKind]int{
	resource.Invalid:         http.StatusUnprocessableEntity,
	resource.NotFound:        http.StatusNotFound,
	resource.Conflict:        http.StatusConflict,
	resource.Stale:           http.StatusPreconditionFailed,
	resource.Unavailable:     http.StatusServiceUnavailable,
	resource.Unauthenticated: http.StatusUnauthorized,
	resource.Internal:        http.StatusInternalServerError,
}

// problem turns an error of the Backend into an RFC 9457 problem. A detail
// becomes an entry of `errors` whose location is `file:line: path`.
func (s *Server) problem(ctx context.Context, err error) error {
	var refusal *resource.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		status, known := statuses[refusal.Kind]
		if !known {
			status = http.StatusInternalServerError
		}
		p := &refusalModel{Findings: refusal.Findings}
		p.ErrorModel = huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: refusal.Message}
		for _, d := range refusal.Details {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: d.Where, Message: d.What})
		}
		if refusal.Kind == resource.Unavailable {
			return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {"1"}})
		}
		return p
	case errors.Is(err, context.Canceled): // the client has gone, or the server stops
		return huma.NewError(http.StatusServiceUnavailable, "the request was given up")
	case errors.Is(err, context.DeadlineExceeded):
		return huma.NewError(http.StatusGatewayTimeout, "the controller did not answer in time: try again")
	}
	s.Log.ErrorContext(ctx, "api request failed", "error", err)
	return huma.NewError(http.StatusInternalServerError, err.Error())
}

// refusalModel is a problem with what the gate found.
type refusalModel struct {
	huma.ErrorModel
	Findings []gate.Finding `json:"findings,omitempty"`
}

// writeProblem answers with a problem outside of huma's operations.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	body, _ := json.Marshal(&huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone: nobody to tell
}
