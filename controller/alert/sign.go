package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// The headers of the Standard Webhooks specification.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	secretPrefix = "whsec_"
	scheme       = "v1," // HMAC-SHA256 over id.timestamp.body
	minSecret    = 24    // bytes, as the specification demands
	maxSecret    = 64
	tolerance    = 5 * time.Minute // of a receiver's clock
)

// Secret signs webhooks. It prints as [redacted], everywhere.
type Secret struct {
	key []byte
}

// ParseSecret reads `whsec_` followed by base64 of 24 to 64 bytes. Errors do
// not repeat it.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, errors.New("bad webhook secret: want whsec_ and base64")
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Secret{}, errors.New("bad webhook secret: what follows whsec_ is not base64")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("bad webhook secret: want %d to %d bytes, not %d", minSecret, maxSecret, len(key))
	}
	return Secret{key}, nil
}

// ReadSecrets reads a file of one secret a line. All of them sign, so that a
// receiver can be moved from one to the next without a gap.
func ReadSecrets(file string) ([]Secret, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read webhook secrets: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("read webhook secrets: %w", err)
	}
	var secrets []Secret
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		secret, err := ParseSecret(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n+1, err)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s: no webhook secret in it", file)
	}
	return secrets, nil
}

// Format keeps the key out of every fmt verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// MarshalText keeps the key out of JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue keeps the key out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// signature is one entry of the signature header.
func (s Secret) signature(id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	mac.Write(body)
	return scheme + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// sign sets the headers.
func sign(h http.Header, secrets []Secret, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signatures[i] = s.signature(id, timestamp, body)
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	if len(signatures) > 0 {
		h.Set(HeaderSignature, strings.Join(signatures, " "))
	}
}

// Verify checks a webhook as a receiver should: signed with one of the
// secrets, and at most five minutes away from now. The receiver must still
// drop an id that it has seen.
func Verify(secrets []Secret, h http.Header, body []byte, now time.Time) error {
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return errors.New("verify webhook: webhook-id or webhook-timestamp is missing or malformed")
	}
	if age := now.Sub(time.Unix(seconds, 0)).Abs(); age > tolerance {
		return fmt.Errorf("verify webhook: its timestamp is %s away from the clock", age.Round(time.Second))
	}
	for _, given := range strings.Fields(h.Get(HeaderSignature)) {
		for _, s := range secrets {
			if hmac.Equal([]byte(given), []byte(s.signature(id, timestamp, body))) {
				return nil
			}
		}
	}
	return errors.New("verify webhook: no signature matches")
}
