package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
)

// stored gives a signed webhook in every form that is read.
func stored(t testing.TB, keys ...Key) (forms map[string][]byte, body []byte) {
	t.Helper()
	body = []byte("{\"type\": \"alert.fired\", \"data\": \"経路\\n\"}")
	h := http.Header{}
	Sign(h, keys, "msg_1", at, body)
	request := httptest.NewRequest(http.MethodPost, "http://ops.example/hook", bytes.NewReader(body))
	request.Header = h
	dump, err := httputil.DumpRequest(request, true)
	if err != nil {
		t.Fatal(err)
	}
	chunked := fmt.Appendf(nil, "POST /hook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n")
	counted := fmt.Appendf(nil, "POST /hook HTTP/1.1\nContent-Length: %d\n", len(body))
	lower := map[string]any{}
	for name, values := range h {
		for _, v := range values {
			chunked = fmt.Appendf(chunked, "%s: %s\r\n", name, v)
			counted = fmt.Appendf(counted, "%s: %s\n", strings.ToLower(name), v)
		}
		lower[strings.ToLower(name)] = values
		if len(values) == 1 {
			lower[strings.ToLower(name)] = values[0]
		}
	}
	chunked = fmt.Appendf(chunked, "\r\n5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", body[:5], len(body)-5, body[5:])
	counted = fmt.Appendf(counted, "\n%s\n", body)
	document, err := json.Marshal(map[string]any{"headers": lower, "body": string(body)})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(map[string]any{"headers": h, "body_base64": base64.StdEncoding.EncodeToString(body)})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"request": dump, "chunked": chunked, "LF and a line end more": counted, "JSON": document, "JSON, base64": encoded,
	}, body
}

func TestStored(t *testing.T) {
	keys := []Key{parsed(t, secretA), parsed(t, privateA), HybridKey(hybrid(t, 1)), HybridKey(hybrid(t, 2))}
	forms, body := stored(t, keys...)
	for name, data := range forms {
		s, err := ParseStored(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(s.Body, body) {
			t.Errorf("%s: body %q", name, s.Body)
		}
		if held, err := Check(verifiers(keys...), s.Header, s.Body); err != nil || len(held) != len(keys) {
			t.Errorf("%s: %d hold, %v", name, len(held), err)
		}
	}
}

func TestStoredRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "want an HTTP request",
		"hello":                              "want an HTTP request",
		"GET /hook HTTP/1.1\n\n":             "want an HTTP request",
		"POST /hook HTTP/1.1\nno header\n\n": "its headers",
		"POST /hook HTTP/1.1\nContent-Length: 5\n\n{}":              "is cut: 2 of 5 bytes",
		"POST /hook HTTP/1.1\nContent-Length: 2\n\n{}POST":          "4 bytes follow the body",
		"POST /hook HTTP/1.1\nContent-Length: -2\n\n{}":             "no number",
		"POST /hook HTTP/1.1\nTransfer-Encoding: gzip\n\n{}":        "transfer encoding",
		"POST /hook HTTP/1.1\nTransfer-Encoding: chunked\n\nzz\r\n": "its body",
		`{"headers": {}, "body": "", "more": 1}`:                    "more",
		`{"headers": {}, "body": ""} {}`:                            "more follows",
		`{"headers": {}}`:                                           "either body or body_base64",
		`{"headers": {}, "body": "", "body_base64": ""}`:            "either body or body_base64",
		`{"headers": {"a": 1}, "body": ""}`:                         "not a webhook as JSON",
		"POST /hook HTTP/1.1\n\n" + strings.Repeat("x", MaxStored):  "longer than",
	} {
		if s, err := ParseStored([]byte(text)); s != nil && err == nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseStored(f *testing.F) {
	forms, _ := stored(f, parsed(f, secretA))
	for _, data := range forms {
		f.Add(data)
	}
	trusted := verifiers(parsed(f, secretB))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseStored(data)
		if err != nil {
			return
		}
		if len(s.Body) > len(data) {
			t.Errorf("%d bytes of body from %d", len(s.Body), len(data))
		}
		if _, err := Check(trusted, s.Header, s.Body); err == nil {
			t.Error("forged")
		}
	})
}
