package quantum

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// pair is our certificate and its key, read again when a file has changed: a
// site renews them while lanes go on.
type pair struct {
	certificate, key string

	mu   sync.Mutex
	read [2]stamp // of the files as they were read
	last *tls.Certificate
}

// stamp is what changes with a file.
type stamp struct {
	at   time.Time
	size int64
}

func stampOf(name string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// load reads both files where one has changed. Between two writes they may not
// fit each other; then the last that did is good for one more question.
func (p *pair) load() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := [2]stamp{stampOf(p.certificate), stampOf(p.key)}
	if p.last != nil && now == p.read {
		return p.last, nil
	}
	fresh, err := tls.LoadX509KeyPair(p.certificate, p.key)
	switch {
	case err == nil:
		p.last, p.read = &fresh, now
	case p.last == nil:
		return nil, err
	}
	return p.last, nil
}

func (p *pair) get(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.load() }
