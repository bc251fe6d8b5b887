package floor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// fileVersion is that of the file; another is refused.
const fileVersion = 1

// file is what is kept of floors.
type file struct {
	Version int     `json:"version"`
	Node    string  `json:"node"`
	Floors  []Floor `json:"floors"`
	Sum     string  `json:"sha256"` // of this object with an empty sum: a disk may rot
}

func (f file) sum() string {
	f.Sum = ""
	b, _ := json.Marshal(f) // of what can always be marshalled
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// Encode writes the floors of a node down.
func (f Floors) Encode(node string) []byte {
	out := file{Version: fileVersion, Node: node, Floors: f.Intents}
	out.Sum = out.sum()
	b, _ := json.MarshalIndent(out, "", " ") // of what can always be marshalled
	return append(b, '\n')
}

// Decode reads what Encode wrote for a node, or with "" for any. Of anything
// else it says what is wrong.
func Decode(node string, b []byte) (Floors, error) {
	var in file
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Floors{}, fmt.Errorf("not readable: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Floors{}, errors.New("not readable: something follows the floors")
	}
	switch {
	case in.Version != fileVersion:
		return Floors{}, fmt.Errorf("version %d, this agent reads %d", in.Version, fileVersion)
	case in.Sum != in.sum():
		return Floors{}, errors.New("its checksum is wrong")
	case node != "" && in.Node != node:
		return Floors{}, fmt.Errorf("it is of node %q, this is %q", in.Node, node)
	}
	for i, f := range in.Floors {
		if f.Intent == "" || i > 0 && in.Floors[i-1].Intent >= f.Intent {
			return Floors{}, fmt.Errorf("floor %d (%s): out of order", i, f.Intent)
		}
		for _, t := range f.Traffic {
			if !isPrefix(t.From) || !isPrefix(t.To) || t.From.Addr().Is4() != t.To.Addr().Is4() || !slices.Contains(nodecfg.Encryptions, t.Level) {
				return Floors{}, fmt.Errorf("floor of %s: %s to %s, %q: out of range", f.Intent, t.From, t.To, t.Level)
			}
		}
		if !slices.IsSortedFunc(f.Traffic, compare) {
			return Floors{}, fmt.Errorf("floor of %s: out of order", f.Intent)
		}
	}
	return Floors{Intents: in.Floors}, nil
}

func isPrefix(p netip.Prefix) bool {
	return p.IsValid() && p == p.Masked() && !p.Addr().Is4In6()
}
