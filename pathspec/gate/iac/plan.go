// Package iac reads what tools that keep infrastructure as code are going to
// do (`terraform show -json`, `tofu show -json`), and by an operator's map of
// resources to links, nodes and SRLGs says what that does to a topology. It is
// pure but for the reader that it is given, and judges nothing: pathspec/gate
// does. The command `keiro gate` calls it.
package iac

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxPlan is how long a plan may be, in bytes, and maxResource one resource in
// it, which is held in memory.
const (
	MaxPlan     = 256 << 20
	maxResource = 16 << 20
)

// Resource is a change of one resource: an element of resource_changes in
// Terraform's JSON output format, of major version 0 or 1.
type Resource struct {
	Address string          `json:"address"`
	Mode    string          `json:"mode"` // managed or data
	Type    string          `json:"type"`
	Name    string          `json:"name"`
	Index   json.RawMessage `json:"index"` // a string, a number, or nothing
	Change  struct {
		Actions []string        `json:"actions"`
		Before  json.RawMessage `json:"before"`
		After   json.RawMessage `json:"after"`
		// AfterUnknown has `true` in the place of values that only the apply tells.
		AfterUnknown json.RawMessage `json:"after_unknown"`
	} `json:"change"`
}

// ReadPlan gives the resources of a plan to each, in the order of the plan; an
// error of each ends it. Memory is bounded by the largest resource.
func ReadPlan(file string, r io.Reader, each func(*Resource) error) error {
	return readAtMost(MaxPlan, file, r, each)
}

func readAtMost(limit int64, file string, r io.Reader, each func(*Resource) error) error {
	limited := &io.LimitedReader{R: r, N: limit + 1}
	d := json.NewDecoder(limited)
	err := readPlan(d, each)
	if limited.N <= 0 {
		return fmt.Errorf("%s: too large: the limit is %d MiB", file, limit>>20)
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s: at byte %d: %w", file, d.InputOffset(), err)
	}
	return nil
}

func readPlan(d *json.Decoder, each func(*Resource) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	version, listed := "", false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "format_version":
			if err := d.Decode(&version); err != nil {
				return fmt.Errorf("format_version: %w", err)
			}
			if major, _, _ := strings.Cut(version, "."); major != "0" && major != "1" {
				return fmt.Errorf("format_version %q: this program knows 0 and 1", version)
			}
		case "resource_changes":
			listed = true
			if err := readResources(d, each); err != nil {
				return fmt.Errorf("resource_changes: %w", err)
			}
		default:
			if err := skip(d); err != nil {
				return err
			}
		}
	}
	switch {
	case version == "":
		return errors.New("no format_version: want the output of `terraform show -json PLANFILE` or `tofu show -json PLANFILE`")
	case !listed:
		return errors.New("no resource_changes: want the output of show for a plan file, not for a state")
	}
	return expect(d, '}')
}

func readResources(d *json.Decoder, each func(*Resource) error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for n := 0; d.More(); n++ {
		from := d.InputOffset()
		var r Resource
		if err := d.Decode(&r); err != nil {
			return fmt.Errorf("[%d]: %w", n, err)
		}
		if d.InputOffset()-from > maxResource {
			return fmt.Errorf("[%d]: %s is longer than %d MiB", n, r.Address, maxResource>>20)
		}
		if r.Address == "" || r.Type == "" || len(r.Change.Actions) == 0 {
			return fmt.Errorf("[%d]: no address, type or actions", n)
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

// expect reads a delimiter.
func expect(d *json.Decoder, want json.Delim) error {
	got, err := d.Token()
	if err == nil && got != want {
		err = fmt.Errorf("want %v, not %v", want, got)
	}
	return err
}

// skip reads a value token by token, without keeping it.
func skip(d *json.Decoder) error {
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// What becomes of a resource.
type fate int

const (
	stays fate = iota
	comes
	goes
	replaced
	changes
)

// fate sums the actions up.
func (r *Resource) fate() (fate, error) {
	if r.Mode == "data" {
		return stays, nil // it is only read
	}
	switch strings.Join(r.Change.Actions, ",") {
	case "no-op", "read", "forget":
		return stays, nil
	case "create":
		return comes, nil
	case "delete":
		return goes, nil
	case "delete,create", "create,delete", "create,forget":
		return replaced, nil
	case "update":
		return changes, nil
	}
	return stays, fmt.Errorf("%s: actions %q are not known", r.Address, r.Change.Actions)
}
