// Package waiver is the word of an operator that an intent may lose one declared
// characteristic for a time: the document, its signature, and whether it counts.
// It is pure. The command line makes waivers, without a controller; the
// controller checks them, keeps them, and asks them where the gate refuses.
package waiver

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/keys/sign"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

const (
	kind    = "Waiver"
	context = "keiro waiver v1"

	// MaxTerm is how long a waiver may hold: what is needed for longer is another
	// intent.
	MaxTerm = 90 * 24 * time.Hour
	// Skew is how far the clock of who signed may be ahead of the controller's.
	Skew      = 5 * time.Minute
	maxReason = 1024
)

// Waiver is what is signed. Times are whole seconds, UTC.
type Waiver struct {
	Intent         string    `json:"intent"`
	Characteristic string    `json:"characteristic"` // the ID of a gate.Characteristic
	Reason         string    `json:"reason"`
	Issued         time.Time `json:"issued"`
	Until          time.Time `json:"until"`
	Key            string    `json:"key"` // fingerprint of who signed
}

// Signed is a waiver with its signature.
type Signed struct {
	Waiver
	Signature string `json:"signature"` // base64
}

// Sign makes a waiver.
func Sign(w Waiver, key *sign.Key) (Signed, error) {
	w.Issued, w.Until = w.Issued.UTC().Truncate(time.Second), w.Until.UTC().Truncate(time.Second)
	w.Key = key.Public().Fingerprint().String()
	if err := w.check(); err != nil {
		return Signed{}, err
	}
	return Signed{w, base64.StdEncoding.EncodeToString(key.Sign(context, w.message()))}, nil
}

// message is what is signed: the same bytes for the same waiver.
func (w Waiver) message() []byte {
	text, _ := json.Marshal(w) // plain data
	return text
}

func (w Waiver) check() error {
	known := slices.ContainsFunc(gate.Characteristics, func(c gate.Characteristic) bool { return c.ID == w.Characteristic })
	var errs []error
	for _, c := range []struct {
		bad  bool
		what string
	}{
		{w.Intent == "", "which intent? a waiver is for one"},
		{!known, fmt.Sprintf("characteristic %q: want one of those that the gate finds: %s", w.Characteristic, all())},
		{strings.TrimSpace(w.Reason) == "", "no reason: whoever sees the waiver later must know why"},
		{len(w.Reason) > maxReason, fmt.Sprintf("a reason of %d bytes: want at most %d", len(w.Reason), maxReason)},
		{!w.Until.After(w.Issued), "it ends before it begins"},
		{w.Until.Sub(w.Issued) > MaxTerm, fmt.Sprintf("it holds until %s: want at most %d days; what is needed for longer is another intent",
			w.Until.UTC().Format(time.RFC3339), MaxTerm/(24*time.Hour))},
	} {
		if c.bad {
			errs = append(errs, errors.New(c.what))
		}
	}
	return errors.Join(errs...)
}

func all() string {
	var ids []string
	for _, c := range gate.Characteristics {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, ", ")
}

// Verify wants a waiver that counts now: signed by one of the operators' keys,
// in every letter, and in its time.
func (s Signed) Verify(trusted []*sign.Public, now time.Time) error {
	name := fmt.Sprintf("waiver of %s for %s", s.Characteristic, s.Intent)
	n := slices.IndexFunc(trusted, func(p *sign.Public) bool { return p.Fingerprint().String() == s.Key })
	if n < 0 {
		return fmt.Errorf("%s: key %s is none of the operators': the controller's --operators file says whose count", name, s.Key)
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(s.Signature)
	if err == nil {
		err = sign.Verify(trusted[n], context, s.message(), signature)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: it was altered, or is of another key; sign it again", name, err)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.Issued.After(now.Add(Skew)) {
		return fmt.Errorf("%s: it was issued at %s, and it is %s here: one of the clocks is wrong", name, s.Issued.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if !now.Before(s.Until) {
		return fmt.Errorf("%s: it ended at %s: sign another one", name, s.Until.Format(time.RFC3339))
	}
	return nil
}

// Covers reports whether a finding is what the waiver allows. Whether the waiver
// counts is Verify's business.
func (w Waiver) Covers(f gate.Finding) bool {
	return w.Intent == f.Intent && w.Characteristic == f.Characteristic
}

// Name tells waivers apart: a newer one of the same name replaces the older.
func (w Waiver) Name() string { return w.Intent + "/" + w.Characteristic }

// document is the form in which a waiver travels.
type document struct {
	APIVersion string `json:"apiVersion" strict:"required"`
	Kind       string `json:"kind" strict:"required"`
	Spec       struct {
		Intent         string `json:"intent" strict:"required"`
		Characteristic string `json:"characteristic" strict:"required"`
		Reason         string `json:"reason" strict:"required"`
		Issued         string `json:"issued" strict:"required"`
		Until          string `json:"until" strict:"required"`
		Key            string `json:"key" strict:"required"`
		Signature      string `json:"signature" strict:"required"`
	} `json:"spec" strict:"required"`
}

// Format writes a waiver as a document.
func Format(s Signed) []byte {
	quoted := func(text string) string { b, _ := json.Marshal(text); return string(b) } // JSON strings are YAML
	return fmt.Appendf(nil, "apiVersion: %s\nkind: %s\nspec:\n  intent: %s\n  characteristic: %s\n  reason: %s\n  issued: %q\n  until: %q\n  key: %q\n  signature: %q\n",
		topology.APIVersion, kind, quoted(s.Intent), quoted(s.Characteristic), quoted(s.Reason),
		s.Issued.Format(time.RFC3339), s.Until.Format(time.RFC3339), s.Key, s.Signature)
}

// Parse reads the waivers in a file. file is for messages.
func Parse(file string, data []byte) ([]Signed, error) {
	docs, errs := strictyaml.Documents(file, data)
	docs, more := strictyaml.Select(docs, topology.APIVersion, kind)
	errs = append(errs, more...)
	var out []Signed
	for _, d := range docs {
		var doc document
		mistakes := d.Decode(&doc)
		errs = append(errs, mistakes...)
		if len(mistakes) > 0 {
			continue
		}
		s := Signed{Waiver{Intent: doc.Spec.Intent, Characteristic: doc.Spec.Characteristic, Reason: doc.Spec.Reason, Key: doc.Spec.Key}, doc.Spec.Signature}
		var err1, err2 error
		s.Issued, err1 = time.Parse(time.RFC3339, doc.Spec.Issued)
		s.Until, err2 = time.Parse(time.RFC3339, doc.Spec.Until)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		s.Issued, s.Until = s.Issued.UTC(), s.Until.UTC()
		out = append(out, s)
	}
	return out, errs.Err()
}
