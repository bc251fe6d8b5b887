// Package codectest is what tests of codecs share: golden files of octets that
// other implementations wrote, and what decoding may cost. Only tests of
// package bgp's parts call it.
package codectest

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var rewrite = flag.Bool("update", false, "rewrite what the golden files want, to be read before it is kept")

// Captures goes through testdata/*.txtar.
func Captures(t testing.TB, each func(name string, a *txtar.Archive)) {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		each(name, a)
	}
}

// Golden compares what is read of each capture with the last file in it.
func Golden(t *testing.T, read func(t *testing.T, name string, a *txtar.Archive) string) {
	t.Helper()
	Captures(t, func(name string, a *txtar.Archive) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			got, want := read(t, name, a), &a.Files[len(a.Files)-1]
			if *rewrite {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	})
}

// Failer is what is needed of a testing.TB or a rapid.T.
type Failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Octets reads hexadecimal digits and white space.
func Octets(t Failer, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}

// Costs fails if decoding size octets allocates out of proportion to them.
func Costs(t *testing.T, size int, decode func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decode()
	runtime.ReadMemStats(&after)
	// What the packages promise, garbage counted, and what runs beside the test.
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(200*size)+1<<20 {
		t.Fatalf("%d octets of input took %d of memory", size, got)
	}
}
