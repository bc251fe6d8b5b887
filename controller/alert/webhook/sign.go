// Package webhook signs and verifies webhooks as the Standard Webhooks
// specification 1.0.0 says, by HMAC-SHA256 and Ed25519, and by a hybrid of
// Ed25519 and ML-DSA-65 in a header of our own over the same bytes. It reads
// webhooks that somebody stored, so that they can be verified later and
// without a network. It sends nothing and trusts only the keys it is given.
// controller/alert signs with it, and receivers and the command line verify.
package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of the Standard Webhooks specification, and ours.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
	// HeaderHybrid holds the hybrid signatures, each 4,504 bytes long: one a
	// line, as servers bound the length of a line of the header.
	HeaderHybrid = "Webhook-Signature-Hybrid"
)

// Tolerance is how far a receiver lets a timestamp be from its clock.
const Tolerance = 5 * time.Minute

// signature is one entry of a signature header.
func (k Key) signature(content []byte) string {
	return string(k.verifier.Scheme) + "," + base64.StdEncoding.EncodeToString(k.sign(content))
}

// content is what is signed.
func content(id, timestamp string, body []byte) []byte {
	return fmt.Appendf(nil, "%s.%s.%s", id, timestamp, body)
}

// Sign sets the headers of a webhook that is sent now. id has no full stop in it.
func Sign(h http.Header, keys []Key, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	signed := content(id, timestamp, body)
	var standard []string
	h.Del(HeaderSignature)
	h.Del(HeaderHybrid)
	for _, k := range keys {
		if k.Scheme() == Hybrid {
			h.Add(HeaderHybrid, k.signature(signed))
		} else {
			standard = append(standard, k.signature(signed))
		}
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	if len(standard) > 0 {
		h.Set(HeaderSignature, strings.Join(standard, " "))
	}
}

// Verify checks a webhook as a receiver should: signed (see Check) and at most
// Tolerance away from now. The receiver must still drop an id that it has seen.
func Verify(trusted []Verifier, h http.Header, body []byte, now time.Time) error {
	if _, err := Check(trusted, h, body); err != nil {
		return err
	}
	return Fresh(h, now, Tolerance)
}

// Check returns those of the trusted keys whose signature is on the webhook,
// whenever it was sent. Of every scheme that the receiver has keys of, one must
// hold: who breaks one scheme cannot leave the others out.
func Check(trusted []Verifier, h http.Header, body []byte) (held []Verifier, err error) {
	id, timestamp, err := metadata(h)
	if err != nil {
		return nil, err
	}
	if len(trusted) == 0 {
		return nil, errors.New("verify webhook: no key to verify it with")
	}
	signed := content(id, timestamp.text, body)
	given := append(h.Values(HeaderSignature), h.Values(HeaderHybrid)...)
	missing := map[Scheme]bool{}
	for _, v := range trusted {
		missing[v.Scheme] = true
	}
	for _, v := range trusted {
		if v.heldBy(given, signed) {
			held = append(held, v)
			delete(missing, v.Scheme)
		}
	}
	for _, scheme := range []Scheme{HMAC, Ed25519, Hybrid} {
		if missing[scheme] {
			return nil, fmt.Errorf("verify webhook: no signature of scheme %s matches", scheme)
		}
	}
	return held, nil
}

// heldBy reports whether one of the signatures in the headers is the key's.
func (v Verifier) heldBy(headers []string, signed []byte) bool {
	for _, header := range headers {
		for _, entry := range strings.Fields(header) {
			scheme, encoded, _ := strings.Cut(entry, ",")
			if Scheme(scheme) != v.Scheme {
				continue
			}
			if signature, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil && v.verify(signed, signature) {
				return true
			}
		}
	}
	return false
}

// Fresh wants the timestamp to be within a window around now: beyond, somebody
// may play an old webhook again.
func Fresh(h http.Header, now time.Time, window time.Duration) error {
	_, timestamp, err := metadata(h)
	if err != nil {
		return err
	}
	if age := now.Sub(timestamp.at).Abs(); age > window {
		return fmt.Errorf("verify webhook: its timestamp is %s away from the clock, and %s is allowed", age.Round(time.Second), window)
	}
	return nil
}

// Sent is when the webhook says that it was sent. Check says whether that is true.
func Sent(h http.Header) (time.Time, error) {
	_, timestamp, err := metadata(h)
	return timestamp.at, err
}

type stamp struct {
	text string
	at   time.Time
}

// metadata reads the id and the timestamp. Either twice would let two readers
// see two webhooks; a full stop in the id would move the border behind it.
func metadata(h http.Header) (id string, sent stamp, err error) {
	ids, timestamps := h.Values(HeaderID), h.Values(HeaderTimestamp)
	if len(ids) != 1 || len(timestamps) != 1 || ids[0] == "" || strings.Contains(ids[0], ".") {
		return "", sent, errors.New("verify webhook: webhook-id or webhook-timestamp is missing, malformed or there twice")
	}
	seconds, err := strconv.ParseInt(timestamps[0], 10, 64)
	if err != nil {
		return "", sent, errors.New("verify webhook: webhook-timestamp is malformed: want seconds since 1970")
	}
	return ids[0], stamp{timestamps[0], time.Unix(seconds, 0)}, nil
}
