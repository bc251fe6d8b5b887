package transport

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Password is the shared secret of TCP MD5 (RFC 2385). It prints as [redacted]
// whatever prints it; the zero value is none.
//
// It holds a function, not the octets, because package fmt can look into
// everything else (see keys/secret).
type Password struct{ octets func() []byte }

const (
	redacted = "[redacted]"
	// maxPassword is TCP_MD5SIG_MAXKEYLEN of the kernel.
	maxPassword = 80
)

// errPassword does not say how long it was: that is part of the secret.
var errPassword = errors.New("a TCP MD5 password has 1 to 80 octets, without a zero octet")

// NewPassword takes a copy of the secret.
func NewPassword(secret []byte) (Password, error) {
	if len(secret) == 0 || len(secret) > maxPassword || bytes.IndexByte(secret, 0) >= 0 {
		return Password{}, errPassword
	}
	octets := bytes.Clone(secret)
	return Password{func() []byte { return octets }}, nil
}

// ReadPassword reads the secret from a file, without a newline at its end. What
// is no regular file, or others may read, is refused.
func ReadPassword(name string) (Password, error) {
	// O_NONBLOCK: a pipe that nobody writes to must not hold a program up.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Password{}, fmt.Errorf("read a TCP MD5 password: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Password{}, fmt.Errorf("read a TCP MD5 password: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Password{}, fmt.Errorf("read a TCP MD5 password: %s is no regular file", name)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Password{}, fmt.Errorf("the TCP MD5 password in %s can be read by others (mode %04o): chmod 600 it", name, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPassword+3))
	if err != nil {
		return Password{}, fmt.Errorf("read a TCP MD5 password: %w", err)
	}
	p, err := NewPassword(bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")))
	if err != nil {
		return Password{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Present reports whether there is one.
func (p Password) Present() bool { return p.octets != nil }

// Equal compares in constant time. Two that are none are equal.
func (p Password) Equal(o Password) bool {
	if !p.Present() || !o.Present() {
		return p.Present() == o.Present()
	}
	return subtle.ConstantTimeCompare(p.octets(), o.octets()) == 1
}

// Format prints no secret, with any verb.
func (Password) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalText writes no secret; encoding/json and log/slog use it.
func (Password) MarshalText() ([]byte, error) { return []byte(redacted), nil }
