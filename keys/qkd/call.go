package qkd

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

const (
	maxBody   = 64 << 10 // bytes of an answer: MaxKeys keys of 512
	maxHeader = 16 << 10

	opStatus = "status"
	opEnc    = "enc_keys"
	opDec    = "dec_keys"
)

// question is one request: GET, or POST where it has a body.
type question struct {
	op, sae string
	query   url.Values
	body    []byte
}

func (q question) request(ctx context.Context, base string) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if q.body != nil {
		method, body = http.MethodPost, bytes.NewReader(q.body)
	}
	target := base + url.PathEscape(q.sae) + "/" + q.op
	if q.query != nil {
		target += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "keiro-agent")
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// call asks once and returns the body of a 200 answer, which may hold keys:
// the caller erases it.
func (c *Client) call(ctx context.Context, q question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	// From the connection on, something may have been sent. With TLS 1.3 a
	// KME that wants none of our certificate says so after that; then the key
	// counts as spent although it is not.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	r, err := q.request(ctx, c.base)
	if err != nil {
		return nil, c.fail(&Error{Op: q.op, Fault: Unreachable, reason: clean(err.Error())})
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.fail(lost(ctx, q.op, connected.Load(), err))
	}
	defer answer.Body.Close()
	body, err := read(answer)
	switch {
	case errors.Is(err, errOversized):
		return nil, c.fail(&Error{Op: q.op, Fault: Oversized, Spent: q.op != opStatus, Status: unlessOK(answer), reason: err.Error()})
	case err != nil:
		return nil, c.fail(lost(ctx, q.op, true, err))
	}
	if e := judge(q.op, answer, body); e != nil {
		clear(body)
		return nil, c.fail(e)
	}
	return body, nil
}

// lost is the error of a request without a whole answer.
func lost(ctx context.Context, op string, connected bool, err error) *Error {
	e := &Error{Op: op, Fault: Broken, Spent: connected && op != opStatus}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which says nothing new
	}
	var unverified *tls.CertificateVerificationError
	var other errIdentity
	switch {
	case errors.As(err, &unverified), errors.As(err, &other):
		e.Fault = Identity
	case !connected:
		e.Fault, e.cause = Unreachable, ctx.Err()
	case ctx.Err() != nil:
		e.Fault, e.cause = TimedOut, ctx.Err()
	}
	e.reason = clean(err.Error()) // net/http quotes what it does not understand
	return e
}

var errOversized = errors.New("more than 64 KiB")

// read takes a body into one buffer, so that no copy is left behind.
func read(answer *http.Response) ([]byte, error) {
	buffer := make([]byte, maxBody+1)
	for n := 0; ; {
		more, err := answer.Body.Read(buffer[n:])
		n += more
		switch {
		case n > maxBody:
			err = errOversized
		case err == io.EOF:
			return buffer[:n], nil
		}
		if err != nil {
			clear(buffer)
			return nil, err
		}
	}
}

// judge is nil for a 200 answer in JSON. The three refusals of the standard
// hand out no key; what happened after any other answer nobody knows.
func judge(op string, answer *http.Response, body []byte) *Error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	json := strings.EqualFold(kind, "application/json")
	switch answer.StatusCode {
	case http.StatusOK:
		if json {
			return nil
		}
		return &Error{Op: op, Fault: Protocol, Spent: op != opStatus, reason: "the answer is not application/json"}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusServiceUnavailable:
		e := &Error{Op: op, Fault: Refused, Status: answer.StatusCode}
		if json {
			e.Message, e.Details = decodeRefusal(body)
		}
		return e
	}
	return &Error{Op: op, Fault: Protocol, Spent: op != opStatus, Status: answer.StatusCode, reason: "the standard has no such status"}
}

func unlessOK(answer *http.Response) int {
	if answer.StatusCode == http.StatusOK {
		return 0
	}
	return answer.StatusCode
}
