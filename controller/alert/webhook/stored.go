package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

// MaxStored is the length in bytes that no stored webhook passes.
const MaxStored = 1 << 20

// Stored is a webhook as somebody kept it.
type Stored struct {
	Header http.Header
	Body   []byte
}

// ParseStored reads a webhook that was kept in one of two forms: the HTTP
// request as it came (RFC 9112: request line, headers, an empty line, body), or
// a JSON document of its headers and its body:
//
//	{"headers": {"webhook-id": "msg_1", "webhook-signature-hybrid": ["v1h,...", "v1h,..."]}, "body": "{\"type\": ...}"}
//
// In JSON, body is a string with the very bytes that came; body_base64 may
// stand for it.
func ParseStored(data []byte) (*Stored, error) {
	if len(data) > MaxStored {
		return nil, fmt.Errorf("not a webhook: longer than %d bytes", MaxStored)
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return parseDocument(data)
	}
	return parseRequest(data)
}

// oneOrMore is a string or a list of strings.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = []string{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

func parseDocument(data []byte) (*Stored, error) {
	var doc struct {
		Headers map[string]oneOrMore `json:"headers"`
		Body    *string              `json:"body"`
		Base64  []byte               `json:"body_base64"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("not a webhook as JSON, with headers and body or body_base64: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not a webhook as JSON: more follows the document")
	}
	if (doc.Body == nil) == (doc.Base64 == nil) {
		return nil, errors.New("not a webhook as JSON: want either body or body_base64")
	}
	s := &Stored{Header: http.Header{}, Body: doc.Base64}
	if doc.Body != nil {
		s.Body = []byte(*doc.Body)
	}
	for name, values := range doc.Headers {
		for _, value := range values {
			s.Header.Add(name, value) // a name twice in other cases is there twice
		}
	}
	return s, nil
}

// parseRequest is more patient than net/http with what tools keep: lines may
// end with LF alone, and without a length the body is all that follows.
func parseRequest(data []byte) (*Stored, error) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(data)))
	line, err := r.ReadLine()
	if method, rest, _ := strings.Cut(line, " "); err != nil || method != http.MethodPost || !strings.Contains(rest, " HTTP/") {
		return nil, errors.New("not a webhook: want an HTTP request, which begins with a line such as `POST /hook HTTP/1.1`, or a JSON document")
	}
	header, err := r.ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("not a webhook: its headers: %w", err)
	}
	s := &Stored{Header: http.Header(header)}
	body := io.Reader(r.R)
	if encoding := s.Header.Get("Transfer-Encoding"); encoding != "" {
		if !strings.EqualFold(encoding, "chunked") {
			return nil, fmt.Errorf("not a webhook that can be read: transfer encoding %q", encoding)
		}
		body = httputil.NewChunkedReader(r.R)
	}
	if s.Body, err = io.ReadAll(body); err != nil {
		return nil, fmt.Errorf("not a webhook: its body: %w", err)
	}
	return s, s.cut()
}

// cut brings the body to the length that its header says; an editor's line end
// behind it does not count.
func (s *Stored) cut() error {
	text := s.Header.Get("Content-Length")
	if text == "" || s.Header.Get("Transfer-Encoding") != "" {
		return nil
	}
	length, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return errors.New("not a webhook: its Content-Length is no number")
	}
	n := int(length)
	if len(s.Body) < n {
		return fmt.Errorf("the stored webhook is cut: %d of %d bytes of its body are there", len(s.Body), n)
	}
	if rest := s.Body[n:]; len(bytes.Trim(rest, "\r\n")) > 0 {
		return fmt.Errorf("%d bytes follow the body of the stored webhook: keep one request in a file", len(rest))
	}
	s.Body = s.Body[:n]
	return nil
}
