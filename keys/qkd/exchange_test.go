package qkd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the client says now into testdata")

// kmeName is in the certificate of package httptest, as a DNS name.
const kmeName = "example.com"

// rawKME answers each connection with bytes, whatever they are.
type rawKME struct {
	config Config

	mu       sync.Mutex
	requests []string // METHOD PATH [BODY]
}

// newRawKME serves answer(n) to the n-th request, from 0, and closes the
// connection if that is all there is to say on it.
func newRawKME(t testing.TB, answer func(n int) (raw []byte, more bool)) *rawKME {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // of its certificate
	lender.Close()
	pool := x509.NewCertPool()
	pool.AddCert(lender.Certificate())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates, ClientAuth: tls.RequireAnyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	k := &rawKME{config: Config{
		URL: "https://" + l.Addr().String(), KME: kmeName, SAE: "alice", Timeout: 5 * time.Second,
		TLS: &tls.Config{RootCAs: pool, Certificates: lender.TLS.Certificates},
	}}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { k.serve(conn, answer) })
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return k
}

func (k *rawKME) serve(conn net.Conn, answer func(int) ([]byte, bool)) {
	defer conn.Close()
	for reader := bufio.NewReader(conn); ; {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		k.mu.Lock()
		n := len(k.requests)
		k.requests = append(k.requests, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
		k.mu.Unlock()
		raw, more := answer(n)
		if _, err := conn.Write(raw); err != nil || !more {
			return
		}
	}
}

func (k *rawKME) client(t testing.TB) *Client {
	t.Helper()
	c, err := New(k.config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The keys of the table: KEY1 is 32 bytes of 0x11, in Base64, and ID1 a UUID.
func keyText(n int) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(n * 0x11)}, 32))
}

func testID(n int) (id ID) {
	for i := range id {
		id[i] = byte(n)
	}
	return id
}

var aliases = strings.NewReplacer(
	"KEY1", keyText(1), "KEY2", keyText(2), "KEY3", keyText(3),
	"ID1", testID(1).String(), "ID2", testID(2).String(), "ID3", testID(3).String(),
	"BAD", "\xff", "HUGE", strings.Repeat("x", maxBody),
)

// TestExchanges is a table of one call each: what is called, what goes over
// the wire (>), what the KME answers (<), and what comes of it (=).
func TestExchanges(t *testing.T) {
	const file = "testdata/exchanges.txtar"
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range ar.Files {
		t.Run(f.Name, func(t *testing.T) {
			got := exchange(t, string(f.Data))
			if got != string(f.Data) && !*update {
				t.Errorf("got:\n%s\nwant:\n%s", got, f.Data)
			}
			ar.Files[i].Data = []byte(got)
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func exchange(t *testing.T, script string) string {
	t.Helper()
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	status, kind, body, script := "", "", "", lines[0]+"\n"
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "=") {
			continue // as it was
		}
		if rest, head := strings.CutPrefix(line, "< "); head {
			status, kind, _ = strings.Cut(rest, " ")
		} else {
			body += aliases.Replace(line)
		}
	}
	raw := fmt.Sprintf("HTTP/1.1 %s X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body)
	if status == "raw" {
		raw = strings.ReplaceAll(body, `\r\n`, "\r\n")
	}
	k := newRawKME(t, func(int) ([]byte, bool) { return []byte(raw), false })
	c := k.client(t)
	result := call(t, c, strings.Fields(lines[0]))
	wantNoKey(t, result)
	var out strings.Builder
	out.WriteString(script)
	for _, r := range k.requests {
		out.WriteString("> " + r + "\n")
	}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, ">") && !strings.HasPrefix(line, "=") {
			out.WriteString(line + "\n")
		}
	}
	for line := range strings.Lines(result) {
		out.WriteString("= " + line)
	}
	return out.String()
}

// call makes the call that words say: `status SLAVE`, `enc SLAVE NUMBER`,
// `dec MASTER N...` for the ids of these numbers; `get` before means GET.
func call(t *testing.T, c *Client, words []string) string {
	t.Helper()
	if words[0] == "get" {
		c.get, words = true, words[1:]
	}
	var numbers []int
	for _, word := range words[2:] {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	var keys []Key
	var err error
	switch words[0] {
	case "status":
		s, err := c.Status(t.Context(), words[1])
		if err != nil {
			return err.Error() + "\n"
		}
		return fmt.Sprintf("%+v, %d keys\n", s, s.Keys())
	case "enc":
		keys, err = c.EncKeys(t.Context(), words[1], Request{Number: numbers[0]})
	case "dec":
		var ids []ID
		for _, n := range numbers {
			ids = append(ids, testID(n))
		}
		keys, err = c.DecKeys(t.Context(), words[1], ids)
	default:
		t.Fatalf("no such call: %s", words[0])
	}
	if err != nil {
		return err.Error() + "\n"
	}
	out := ""
	for _, k := range keys {
		out += fmt.Sprintf("%v, 32 bytes of %#x\n", k.ID, k.Secret.Bytes()[31])
		for _, b := range k.Secret.Bytes() {
			if b != k.Secret.Bytes()[0] {
				t.Error("wrongly decoded")
			}
		}
	}
	return out
}

func wantNoKey(t *testing.T, text string) {
	t.Helper()
	for n := 1; n <= 3; n++ {
		raw := bytes.Repeat([]byte{byte(n * 0x11)}, 32)
		for _, form := range []string{keyText(n)[:16], hex.EncodeToString(raw)[:32], string(raw[:8])} {
			if strings.Contains(text, form) {
				t.Errorf("a key is in %s", text)
			}
		}
	}
}

// TestNeverTwice: a KME that closes the connection without an answer is asked
// once. net/http by itself sends a GET again if the connection was used
// before, so the calls before matter.
func TestNeverTwice(t *testing.T) {
	for _, get := range []bool{true, false} {
		fine := func(n int) []byte {
			body := fmt.Sprintf(`{"keys":[{"key_ID":%q,"key":%q}]}`, testID(n+1), keyText(n+1))
			return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
		k := newRawKME(t, func(n int) ([]byte, bool) {
			if n < 2 {
				return fine(n), true
			}
			return nil, false
		})
		k.config.GET = get
		c := k.client(t)
		for range 2 {
			if _, err := c.EncKeys(t.Context(), "bob", Request{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.EncKeys(t.Context(), "bob", Request{})
		if !errors.Is(err, ErrSpent) || c.Faults()[Broken] != 1 {
			t.Errorf("get %v: %v", get, err)
		}
		if len(k.requests) != 3 {
			t.Errorf("get %v: asked %d times: %q", get, len(k.requests), k.requests)
		}
	}
}

// TestCancelled: the end of the caller's context ends a request at once, and
// what was asked for is spent.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	k := newRawKME(t, func(int) ([]byte, bool) { cancel(); <-release; return nil, false })
	defer close(release)
	c := k.client(t)
	_, err := c.DecKeys(ctx, "bob", []ID{testID(1)})
	if !errors.Is(err, ErrSpent) || !errors.Is(err, context.Canceled) || c.Faults()[TimedOut] != 1 {
		t.Errorf("got %v", err)
	}
	// A context that has ended sends nothing and spends nothing.
	_, err = c.DecKeys(ctx, "bob", []ID{testID(2)})
	if errors.Is(err, ErrSpent) || !errors.Is(err, context.Canceled) || c.Faults()[Unreachable] != 1 {
		t.Errorf("got %v", err)
	}
	if len(k.requests) != 1 {
		t.Errorf("requests: %q", k.requests)
	}
}

// TestNotUnpacked: a small answer stays small.
func TestNotUnpacked(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprintf(w, `{"keys":[{"key_ID":%q,"key":%q}]}`, testID(1), keyText(1))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", packed.Len())
	c := newRawKME(t, func(int) ([]byte, bool) { return append([]byte(head), packed.Bytes()...), false }).client(t)
	if _, err := c.EncKeys(t.Context(), "bob", Request{}); c.Faults()[Garbled] != 1 {
		t.Errorf("got %v", err)
	}
}

// TestAskAgain: what the KME refuses, and what never reached it, may be asked
// for again; what was fetched may not.
func TestAskAgain(t *testing.T) {
	body := aliases.Replace(`{"keys":[{"key_ID":"ID1","key":"KEY1"}]}`)
	k := newRawKME(t, func(n int) ([]byte, bool) {
		if n == 0 {
			return []byte("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"), false
		}
		return fmt.Appendf(nil, "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body), false
	})
	c := k.client(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i, want := range []Fault{Unreachable, Refused, faults, Repeated, Repeated} {
		ctx := t.Context()
		if want == Unreachable {
			ctx = ended
		}
		keys, err := c.DecKeys(ctx, "bob", []ID{testID(1)})
		var e *Error
		if want == faults {
			if err != nil || len(keys) != 1 {
				t.Errorf("%d: %v", i, err)
			}
		} else if !errors.As(err, &e) || e.Fault != want || keys != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if len(k.requests) != 2 {
		t.Errorf("requests: %q", k.requests)
	}
}
