package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// raw is a receiver that speaks TCP as it likes.
func raw(t testing.TB, speak func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go speak(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

func readRequest(conn net.Conn) {
	buffer := make([]byte, 64<<10)
	for seen := []byte{}; !bytes.Contains(seen, []byte("\r\n\r\n")); {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		seen = append(seen, buffer[:n]...)
	}
}

// drip writes one byte again and again, until nobody reads any more.
func drip(conn net.Conn, text string, b byte) {
	_, err := io.WriteString(conn, text)
	for err == nil {
		time.Sleep(5 * time.Millisecond)
		_, err = conn.Write([]byte{b})
	}
}

// TestMisbehavingReceivers: each is told of as what it is, and a good one beside
// all of them has its alerts at once, and none is lost.
func TestMisbehavingReceivers(t *testing.T) {
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = stranger.Config.ErrorLog
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	elsewhere, reached := receiver(t)
	redirect := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	bad := map[string]struct{ url, want string }{
		"hangs":    {raw(t, func(net.Conn) {}), "deadline exceeded"},
		"hangs up": {raw(t, func(c net.Conn) { readRequest(c); c.Close() }), "EOF"},
		"drips":    {raw(t, func(c net.Conn) { readRequest(c); drip(c, "HTTP/1.1 200 OK\r\nX: ", 'x') }), "deadline exceeded"},
		"boasts": {raw(t, func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20))
		}), "headers exceeded"},
		"babbles":    {raw(t, func(c net.Conn) { readRequest(c); drip(c, "SSH-2.0-x\r\n\r\n", '\n') }), "malformed"},
		"redirects":  {redirect.URL, "answered 307"},
		"stranger":   {stranger.URL, "certificate"},
		"old TLS":    {old.URL, "tls"},
		"plain":      {"https" + strings.TrimPrefix(elsewhere, "http"), "HTTP response to HTTPS client"},
		"not there":  {"http://127.0.0.1:1", "refused"},
		"not a name": {"http://receiver.invalid", "receiver.invalid"},
		"500": {raw(t, func(c net.Conn) {
			readRequest(c)
			drip(c, "HTTP/1.1 500 a\x1b[31m"+strings.Repeat("b", 500)+"\r\nContent-Length: 9\r\n\r\n", 'x')
		}), "answered 500 a?[31mb"},
	}
	url, got := receiver(t)
	endpoints := []Endpoint{{Name: "good", Kind: Webhook, URL: url}}
	for name, b := range bad {
		endpoints = append(endpoints, Endpoint{Name: name, Kind: Webhook, URL: b.url, Timeout: time.Second})
	}
	outbox := &memory{}
	s, _ := start(t, outbox, endpoints...)
	for n := range 20 {
		send(t, s, firing(fmt.Sprint(n)))
		receive(t, got)
	}
	for n := range endpoints { // on a busy machine the first attempts may fail for want of time
		name := endpoints[n].Name
		until(t, name+" is told of as what it is", func() bool {
			d := s.Deliveries()[n]
			if name == "good" {
				return d.Delivered == 20 && d.Pending == 0
			}
			return strings.Contains(d.LastError, bad[name].want)
		})
	}
	for _, d := range s.Deliveries()[1:] {
		if d.Delivered != 0 || d.Lost != 0 || d.Pending != 20 || len(d.LastError) > 300 {
			t.Errorf("%s: %+v", d.Endpoint, d)
		}
	}
	if len(reached) > 0 {
		t.Error("a redirect was followed")
	}
	until(t, "the outbox has what waits, and no more", func() bool { return outbox.size() == 20*len(bad) })
}

// TestHugeAnswer: a body without an end behind a good status is no failure, and
// costs a bounded time and no memory; the next alert does not wait for it.
func TestHugeAnswer(t *testing.T) {
	read := make(chan int64, 10)
	url := raw(t, func(c net.Conn) {
		readRequest(c)
		n, _ := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
		sum := int64(n)
		for block := make([]byte, 64<<10); ; {
			n, err := c.Write(block)
			if sum += int64(n); err != nil {
				read <- sum
				return
			}
		}
	})
	s, _ := start(t, &memory{}, Endpoint{Name: "huge", Kind: Webhook, URL: url}, Endpoint{Name: "dripping", Kind: Webhook,
		URL: raw(t, func(c net.Conn) { readRequest(c); drip(c, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", 'x') })})
	send(t, s, firing("1"))
	send(t, s, firing("2"))
	until(t, "delivered", func() bool { return s.Deliveries()[0].Delivered == 2 && s.Deliveries()[1].Delivered == 2 })
	select {
	case sum := <-read:
		if sum > 32<<20 {
			t.Errorf("it could write %d bytes", sum)
		}
	case <-time.After(20 * time.Second):
		t.Error("the answer is read on and on")
	}
}

// TestNoForgedRequests: an address that an endpoint was not allowed is not
// dialed, whatever its name resolves to and whatever proxy the environment has.
func TestNoForgedRequests(t *testing.T) {
	url, got := receiver(t)
	inside := netip.MustParseAddrPort(strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/hook"))
	t.Setenv("HTTP_PROXY", "http://"+inside.String())
	t.Setenv("http_proxy", "http://"+inside.String())
	log := slog.New(slog.DiscardHandler)
	own := func(a netip.AddrPort) bool { return a == inside }
	for name, c := range map[string]struct {
		e    Endpoint
		own  func(netip.AddrPort) bool
		want string // of New; "": of the delivery
	}{
		"loopback":        {Endpoint{URL: url}, nil, "loopback"},
		"IPv4 in IPv6":    {Endpoint{URL: fmt.Sprintf("http://[::ffff:127.0.0.1]:%d", inside.Port())}, nil, "loopback"},
		"metadata":        {Endpoint{URL: "http://169.254.169.254/latest"}, nil, "link-local"},
		"by name":         {Endpoint{URL: fmt.Sprintf("http://localhost:%d/hook", inside.Port())}, nil, ""},
		"own listener":    {Endpoint{URL: url, Allow: loopback}, own, "listens there itself"},
		"own, by name":    {Endpoint{URL: fmt.Sprintf("http://localhost:%d/hook", inside.Port()), Allow: append(loopback, netip.MustParsePrefix("::1/128"))}, func(a netip.AddrPort) bool { return a.Port() == inside.Port() }, ""},
		"proxy":           {Endpoint{URL: "http://receiver.example", Proxy: url}, nil, "its proxy: address 127.0.0.1"},
		"proxy, by name":  {Endpoint{URL: "http://receiver.example", Proxy: fmt.Sprintf("http://localhost:%d", inside.Port())}, nil, ""},
		"through a proxy": {Endpoint{URL: "http://10.0.0.1", Proxy: url, Allow: loopback}, nil, "10.0.0.1 is refused"},
		"bad port":        {Endpoint{URL: "http://127.0.0.1:99999"}, nil, "port"},
		"no proxy":        {Endpoint{URL: "http://receiver.example", Proxy: "socks5://SECRET"}, nil, "bad proxy"},
	} {
		c.e.Name, c.e.Kind = "am", Receiver
		s, err := New(context.Background(), Config{Endpoints: []Endpoint{c.e}, Outbox: &memory{}, Log: log, Own: c.own})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		send(t, s, firing("1"))
		until(t, name+" is refused", func() bool { return strings.Contains(s.Deliveries()[0].LastError, "refused: ") })
		cancel()
		<-done
	}
	if len(got) > 0 {
		t.Errorf("%d requests came through", len(got))
	}
}

// TestProxy: a proxy that the endpoint names is used.
func TestProxy(t *testing.T) {
	url, got := receiver(t)
	s, _ := start(t, &memory{}, Endpoint{Name: "noc", Kind: Webhook, URL: "http://receiver.example/hook", Proxy: url})
	send(t, s, firing("1"))
	if r := receive(t, got); r.path != "/hook" {
		t.Errorf("%+v", r)
	}
}

// TestFit: nothing makes a long message, and a short one is sent as it is.
func TestFit(t *testing.T) {
	a := firing("1")
	if body, _ := webhookBody(fit(a)); !bytes.Contains(body, []byte(`"intentsHit":["gold","iron"]`)) {
		t.Errorf("%s", body)
	}
	for n := range 100 {
		a.Evidence = append(a.Evidence, resource.Evidence{Kind: resource.ByNetlink, Source: "node:x", Text: strings.Repeat("経", 1000) + fmt.Sprint(n)})
	}
	long := strings.Clone(a.Evidence[0].Text)
	b := fit(a)
	if body, err := webhookBody(b); err != nil || len(body) >= maxMessage || len(b.Evidence)+b.EvidenceOmitted != 100 || len(b.Evidence) != maxEvidence {
		t.Errorf("%d bytes, %d pieces of evidence, %d omitted", len(body), len(b.Evidence), b.EvidenceOmitted)
	}
	if a.Evidence[0].Text != long {
		t.Error("the alert itself was cut")
	}
}
