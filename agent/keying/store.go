package keying

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/keiro-net/keiro/agent/internal/durable"
	"github.com/keiro-net/keiro/keys/rotate"
)

// stateVersion is that of the file; another is refused.
const stateVersion = 1

// maxState bounds the file, in bytes: 10,000 lanes take 2 MiB.
const maxState = 16 << 20

// stateFile is what is kept of a pair. There is no secret in it.
type stateFile struct {
	Version int          `json:"version"`
	Node    string       `json:"node"`
	Peer    string       `json:"peer"`
	State   rotate.State `json:"state"`
	// Known are the identities that the peer had, the last one last. Agents
	// before this field kept none.
	Known []known `json:"identities,omitempty"`
	Sum   string  `json:"sha256"` // of this object with an empty sum: a disk may rot
}

func (f stateFile) sum() (string, error) {
	f.Sum = ""
	b, err := json.Marshal(f)
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), err
}

// kept is what the file says.
type kept struct {
	State rotate.State
	Known []known
}

// store keeps one file per peer.
type store struct{ dir, node string }

func fileName(peer string) string { return "peer-" + url.PathEscape(peer) + ".json" }

func (s store) path(peer string) string { return filepath.Join(s.dir, fileName(peer)) }

// load reads a pair's state; found is false for a new pair. What cannot be
// read, or is another pair's, is an error: to begin at epoch 0 again would
// forget the floors.
func (s store) load(peer string) (k kept, found bool, err error) {
	path := s.path(peer)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return kept{}, false, nil
	}
	if err != nil {
		return kept{}, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil {
		k, err = s.parse(peer, b)
	}
	if err != nil {
		return kept{}, false, fmt.Errorf("%s: %w; the lanes to %s stay closed. Put back the file of the last backup, or, if you know that nobody "+
			"has tampered with it, move it away: then the pair goes on after the epoch of its other end, and each floor is what the configuration asks for", path, err, peer)
	}
	return k, true, nil
}

func (s store) parse(peer string, b []byte) (kept, error) {
	if len(b) > maxState {
		return kept{}, fmt.Errorf("more than %d bytes", maxState)
	}
	var f stateFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return kept{}, fmt.Errorf("not readable: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return kept{}, errors.New("not readable: something follows the state")
	}
	if f.Version != stateVersion {
		return kept{}, fmt.Errorf("version %d, this agent reads %d", f.Version, stateVersion)
	}
	sum, err := f.sum()
	switch {
	case err != nil:
		return kept{}, err
	case sum != f.Sum:
		return kept{}, errors.New("its checksum is wrong")
	case f.Node != s.node || f.Peer != peer:
		return kept{}, fmt.Errorf("it is of the pair %q and %q, not of %q and %q", f.Node, f.Peer, s.node, peer)
	}
	return kept{f.State, f.Known}, errors.Join(f.State.Validate(), validate(f.Known))
}

// save writes a pair's state so that after a crash of the machine there is
// the old one or the new one.
func (s store) save(peer string, k kept) error {
	f := stateFile{Version: stateVersion, Node: s.node, Peer: peer, State: k.State, Known: k.Known}
	var err error
	if f.Sum, err = f.sum(); err != nil {
		return err
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return durable.Write(s.path(peer), b)
}
