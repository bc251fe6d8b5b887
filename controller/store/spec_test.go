package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// noise cannot be compressed and is the same for equal seeds.
func noise(seed uint64, size int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	b := make([]byte, size)
	_, _ = r.Read(b)
	return b
}

func TestSpec(t *testing.T) {
	each(t, func(t *testing.T, open func() *Store) {
		s, ctx := open(), t.Context()
		wantSpec(t, s, 0, nil)
		large := noise(1, 3*chunkSize+17)
		changed := append(bytes.Clone(large), "one more"...)
		for i, blob := range [][]byte{[]byte("small"), large, changed, changed, {}, bytes.Repeat([]byte("a"), 5*chunkSize)} {
			before := uint64(i)
			generation, err := s.PutSpec(ctx, before, blob)
			if err != nil || generation != before+1 {
				t.Fatalf("put %d: generation %d, %v", i, generation, err)
			}
			wantSpec(t, s, generation, blob)
			if _, err := s.PutSpec(ctx, before, []byte("late")); !errors.Is(err, ErrConflict) {
				t.Errorf("put on generation %d when it is %d: %v", before, generation, err)
			}
			wantSpec(t, s, generation, blob)
			wantNoGarbage(t, s)
			closed(t, s)
			s = open()
			wantSpec(t, s, generation, blob)
		}
		closed(t, s)
	})
}

func TestSpecTooLarge(t *testing.T) {
	if _, err := Memory().PutSpec(t.Context(), 0, make([]byte, MaxSpec+1)); err == nil {
		t.Error("taken")
	}
}

// A spec of the largest size fits into what etcd takes in one transaction.
func TestLargestSpec(t *testing.T) {
	s := mustOpen(t, Options{Dir: t.TempDir()})
	defer closed(t, s)
	blob := make([]byte, MaxSpec)
	for i := 0; i < MaxSpec; i += 64 {
		copy(blob[i:], fmt.Sprintf("link %d: {a: tyo%d, b: osa%d}", i, i%97, i%89))
	}
	for i := range uint64(2) {
		blob[0] = byte(i)
		if _, err := s.PutSpec(t.Context(), i, blob); err != nil {
			t.Fatal(err)
		}
	}
	wantSpec(t, s, 2, blob)
}

func TestDamagedSpec(t *testing.T) {
	for name, damage := range map[string]func(h head) Op{
		"head":  func(head) Op { return Put(specBucket, headKey, []byte("{")) },
		"size":  func(head) Op { return Put(specBucket, headKey, []byte(`{"size":-1}`)) },
		"gone":  func(h head) Op { return Delete(chunkBucket, h.Chunks[1]) },
		"chunk": func(h head) Op { return Put(chunkBucket, h.Chunks[1], []byte("x")) },
	} {
		s := Memory()
		if _, err := s.PutSpec(t.Context(), 0, noise(1, 2*chunkSize)); err != nil {
			t.Fatal(err)
		}
		h, _, _ := s.head(t.Context())
		commit(t, s, damage(h))
		if _, _, err := s.Spec(t.Context()); err == nil {
			t.Errorf("%s: read as if nothing was wrong", name)
		}
	}
}

// sweeping is a backend on which another controller sweeps at the worst
// moment: between the writing of the chunks and the switch of the head.
type sweeping struct {
	*memory
	once bool
}

func (b *sweeping) commit(ctx context.Context, ops []Op) error {
	if last := ops[len(ops)-1]; last.bucket == specBucket && !b.once {
		b.once = true
		if err := (&Store{b: b.memory}).sweep(ctx); err != nil {
			return err
		}
	}
	return b.memory.commit(ctx, ops)
}

func TestSweptMeanwhile(t *testing.T) {
	s := Memory()
	b := &sweeping{memory: newMemory()}
	s.b = b
	blob := noise(2, 2*chunkSize)
	if _, err := s.PutSpec(t.Context(), 0, blob); err != nil || !b.once {
		t.Fatal(err, b.once)
	}
	wantSpec(t, s, 1, blob)
}

// A reader sees whole specs while another controller replaces them.
func TestReadMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, open func() *Store) {
		s := open()
		defer closed(t, s)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range uint64(15) {
				if _, err := s.PutSpec(t.Context(), i, noise(i+1, chunkSize+int(i))); err != nil {
					t.Error(err)
				}
			}
		}()
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			blob, generation, err := s.Spec(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if generation > 0 && !bytes.Equal(blob, noise(generation, chunkSize+int(generation)-1)) {
				t.Fatalf("generation %d is a mix", generation)
			}
		}
	})
}

const childDir = "KEIRO_TEST_STORE_DIR"

// TestMain is the controller that TestKilled kills: it stores specs and
// prints the generation of each that was acknowledged.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Open(context.Background(), Options{Dir: dir})
	for err == nil {
		var generation uint64
		if _, generation, err = s.Spec(context.Background()); err != nil {
			break
		}
		generation, err = s.PutSpec(context.Background(), generation, noise(generation+1, 3*chunkSize))
		fmt.Println(generation)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	var last uint64
	for round := range 6 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 3 {
			if !lines.Scan() {
				t.Fatalf("round %d: the child ended by itself", round)
			}
			if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
				t.Fatal(err)
			}
		}
		// Somewhere in the next put, elsewhere each time.
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		_ = child.Process.Kill()
		for lines.Scan() { // what it acknowledged until then
			if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
				t.Fatal(err)
			}
		}
		_ = child.Wait()

		s := mustOpen(t, Options{Dir: dir})
		blob, generation, err := s.Spec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if generation != last && generation != last+1 {
			t.Errorf("generation %d was acknowledged, %d is stored", last, generation)
		}
		if !bytes.Equal(blob, noise(generation, 3*chunkSize)) {
			t.Errorf("generation %d is a mix", generation)
		}
		wantNoGarbage(t, s)
		closed(t, s)
	}
}

func wantSpec(t *testing.T, s *Store, generation uint64, blob []byte) {
	t.Helper()
	got, g, err := s.Spec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g != generation || !bytes.Equal(got, blob) {
		t.Errorf("got generation %d, %d bytes; want %d, %d bytes", g, len(got), generation, len(blob))
	}
}

func wantNoGarbage(t *testing.T, s *Store) {
	t.Helper()
	h, _, err := s.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	for _, sum := range h.Chunks {
		named[sum] = true
	}
	chunks, err := s.chunks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(chunks) != len(named) {
		t.Errorf("%d chunks are stored, the head names %d", len(chunks), len(named))
	}
}
