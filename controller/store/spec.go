package store

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The spec is larger than a transaction may be. It is cut into chunks, each
// stored under its own hash, and a head that names them. Only the head is
// ever overwritten, in one transaction, so a reader sees the old spec or the
// new one whatever happens in between.
const (
	specBucket  = "spec"
	headKey     = "head"
	chunkBucket = "spec-chunk"
	chunkSize   = MaxSpec / MaxOps // the switch compares every chunk
)

type head struct {
	Generation uint64   `json:"generation"`
	Size       int      `json:"size"`
	Chunks     []string `json:"chunks"` // SHA-256 of the chunk, hex, in order
}

// Spec returns the spec and its generation, which is 0 before the first
// PutSpec.
func (s *Store) Spec(ctx context.Context) (blob []byte, generation uint64, err error) {
	h, version, err := s.head(ctx)
	for err == nil {
		if blob, err = s.read(ctx, h); err == nil {
			return blob, h.Generation, nil
		}
		// The chunks of a head go only after it was replaced: read again.
		var again uint64
		missing := err
		if h, again, err = s.head(ctx); err == nil && again == version {
			err = missing
		}
		version = again
	}
	return nil, 0, fmt.Errorf("read the spec: %w", err)
}

func (s *Store) head(ctx context.Context) (h head, version uint64, err error) {
	r, err := s.b.get(ctx, specBucket, headKey)
	if err != nil || r.Version == 0 {
		return head{}, 0, err
	}
	if err := json.Unmarshal(r.Value, &h); err != nil {
		return head{}, 0, fmt.Errorf("its head is damaged: %w", err)
	}
	return h, r.Version, nil
}

func (s *Store) read(ctx context.Context, h head) ([]byte, error) {
	if h.Size < 0 || h.Size > MaxSpec {
		return nil, fmt.Errorf("its head is damaged: %d bytes", h.Size)
	}
	blob := make([]byte, 0, h.Size)
	for _, sum := range h.Chunks {
		r, err := s.b.get(ctx, chunkBucket, sum)
		if err != nil {
			return nil, err
		}
		if r.Version == 0 {
			return nil, fmt.Errorf("chunk %s is missing", sum)
		}
		chunk, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(r.Value)), chunkSize+1))
		if err != nil || name(chunk) != sum {
			return nil, fmt.Errorf("chunk %s is damaged", sum)
		}
		blob = append(blob, chunk...)
	}
	if len(blob) != h.Size {
		return nil, fmt.Errorf("its chunks have %d bytes, its head says %d", len(blob), h.Size)
	}
	return blob, nil
}

// PutSpec replaces the spec if its generation is still ifGeneration, else
// returns ErrConflict. It returns the new generation. After any other error
// the spec is the old or the new one, never a mix.
func (s *Store) PutSpec(ctx context.Context, ifGeneration uint64, blob []byte) (uint64, error) {
	if len(blob) > MaxSpec {
		return 0, fmt.Errorf("store the spec: %d bytes are more than %d", len(blob), MaxSpec)
	}
	s.put.Lock()
	defer s.put.Unlock()
	for {
		generation, err := s.putSpec(ctx, ifGeneration, blob)
		if errors.Is(err, errSwept) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("store the spec: %w", err)
		}
		// Left garbage is no failure: the next PutSpec or Open finds it.
		if err := s.sweep(ctx); err != nil {
			s.log.Warn("old chunks of the spec were not removed", "err", err)
		}
		return generation, nil
	}
}

// errSwept says that another controller's sweep took a chunk between its
// writing and the switch of the head.
var errSwept = errors.New("a chunk was swept")

func (s *Store) putSpec(ctx context.Context, ifGeneration uint64, blob []byte) (uint64, error) {
	old, version, err := s.head(ctx)
	if err != nil {
		return 0, err
	}
	if old.Generation != ifGeneration {
		return 0, fmt.Errorf("generation is %d, not %d: %w", old.Generation, ifGeneration, ErrConflict)
	}
	next, held, err := s.write(ctx, blob)
	if err != nil {
		return 0, err
	}
	next.Generation = ifGeneration + 1
	value, err := json.Marshal(next)
	if err != nil {
		return 0, err
	}
	err = s.b.commit(ctx, append(held, Is(specBucket, headKey, version), Put(specBucket, headKey, value)))
	if errors.Is(err, ErrConflict) {
		if now, _, err := s.head(ctx); err == nil && now.Generation == ifGeneration {
			return 0, errSwept
		}
	}
	return next.Generation, err
}

// write stores the chunks that are not there yet. held are the conditions
// under which a head may name them.
func (s *Store) write(ctx context.Context, blob []byte) (h head, held []Op, err error) {
	h = head{Size: len(blob), Chunks: []string{}}
	present, err := s.chunks(ctx)
	if err != nil {
		return h, nil, err
	}
	demanded := make(map[string]bool)
	for len(blob) > 0 {
		chunk := blob[:min(chunkSize, len(blob))]
		blob = blob[len(chunk):]
		sum := name(chunk)
		h.Chunks = append(h.Chunks, sum)
		if demanded[sum] {
			continue
		}
		demanded[sum] = true
		if present[sum] == 0 {
			if present[sum], err = s.writeChunk(ctx, sum, chunk); err != nil {
				return h, nil, err
			}
		}
		held = append(held, Is(chunkBucket, sum, present[sum]))
	}
	return h, held, nil
}

func (s *Store) writeChunk(ctx context.Context, sum string, chunk []byte) (version uint64, err error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(chunk); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	if err := s.b.commit(ctx, []Op{Put(chunkBucket, sum, packed.Bytes())}); err != nil {
		return 0, err
	}
	r, err := s.b.get(ctx, chunkBucket, sum)
	return r.Version, err
}

// chunks returns the version of every stored chunk.
func (s *Store) chunks(ctx context.Context) (map[string]uint64, error) {
	rs, err := s.b.list(ctx, chunkBucket, false)
	versions := make(map[string]uint64, len(rs))
	for _, r := range rs {
		versions[r.Key] = r.Version
	}
	return versions, err
}

// sweep deletes the chunks that the head does not name, for as long as that
// is the head.
func (s *Store) sweep(ctx context.Context) error {
	h, version, err := s.head(ctx)
	if err != nil {
		return err
	}
	rs, err := s.b.list(ctx, chunkBucket, false)
	if err != nil {
		return err
	}
	named := make(map[string]bool, len(h.Chunks))
	for _, sum := range h.Chunks {
		named[sum] = true
	}
	var stale []Op
	for _, r := range rs {
		if !named[r.Key] {
			stale = append(stale, Delete(chunkBucket, r.Key))
		}
	}
	if len(stale) == 0 {
		return nil
	}
	for len(stale) > 0 {
		n := min(MaxOps, len(stale))
		ops := append([]Op{Is(specBucket, headKey, version)}, stale[:n]...)
		if err := s.b.commit(ctx, ops); errors.Is(err, ErrConflict) {
			return nil // who replaced the head sweeps after himself
		} else if err != nil {
			return err
		}
		stale = stale[n:]
	}
	return s.b.compact(ctx)
}

func name(chunk []byte) string {
	sum := sha256.Sum256(chunk)
	return hex.EncodeToString(sum[:])
}
