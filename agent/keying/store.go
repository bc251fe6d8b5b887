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
	Sum     string       `json:"sha256"` // of this object with an empty sum: a disk may rot
}

func (f stateFile) sum() (string, error) {
	f.Sum = ""
	b, err := json.Marshal(f)
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), err
}

// store keeps one file per peer.
type store struct{ dir, node string }

func (s store) path(peer string) string {
	return filepath.Join(s.dir, "peer-"+url.PathEscape(peer)+".json")
}

// load reads a pair's state; found is false for a new pair. What cannot be
// read, or is another pair's, is an error: to begin at epoch 0 again would
// forget the floors.
func (s store) load(peer string) (state rotate.State, found bool, err error) {
	path := s.path(peer)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return rotate.State{}, false, nil
	}
	if err != nil {
		return rotate.State{}, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil {
		state, err = s.parse(peer, b)
	}
	if err != nil {
		return rotate.State{}, false, fmt.Errorf("%s: %w; the lanes to %s stay closed. Put back the file of the last backup, or, if you know that nobody "+
			"has tampered with it, move it away: then the pair goes on after the epoch of its other end, and each floor is what the configuration asks for", path, err, peer)
	}
	return state, true, nil
}

func (s store) parse(peer string, b []byte) (rotate.State, error) {
	if len(b) > maxState {
		return rotate.State{}, fmt.Errorf("more than %d bytes", maxState)
	}
	var f stateFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return rotate.State{}, fmt.Errorf("not readable: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return rotate.State{}, errors.New("not readable: something follows the state")
	}
	if f.Version != stateVersion {
		return rotate.State{}, fmt.Errorf("version %d, this agent reads %d", f.Version, stateVersion)
	}
	sum, err := f.sum()
	switch {
	case err != nil:
		return rotate.State{}, err
	case sum != f.Sum:
		return rotate.State{}, errors.New("its checksum is wrong")
	case f.Node != s.node || f.Peer != peer:
		return rotate.State{}, fmt.Errorf("it is of the pair %q and %q, not of %q and %q", f.Node, f.Peer, s.node, peer)
	}
	return f.State, f.State.Validate()
}

// save writes a pair's state so that after a crash of the machine there is
// the old one or the new one.
func (s store) save(peer string, state rotate.State) error {
	f := stateFile{Version: stateVersion, Node: s.node, Peer: peer, State: state}
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
