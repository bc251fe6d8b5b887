package controller

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/store"
)

// A ledger that could not be written is written later, unless a newer one came;
// that the controller was there is said only of what is written.
func TestLedgersTryAgain(t *testing.T) {
	kept := store.Memory()
	broken := true
	l := newLedgers(Options{Log: slog.New(slog.DiscardHandler)}, func(ctx context.Context, ops ...store.Op) error {
		if broken {
			return errors.New("disk on fire")
		}
		return kept.Commit(ctx, ops...)
	})
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	l.add(core.Keep{Intent: "gold", Ledger: &comply.Ledger{Intent: "1"}})
	l.add(core.Keep{Intent: "one", Ledger: &comply.Ledger{Intent: "1"}})
	if l.write(t.Context(), now, true) {
		t.Error("it says that all is written")
	}
	l.add(core.Keep{Intent: "gold", Ledger: &comply.Ledger{Intent: "2"}})
	broken = false
	if !l.write(t.Context(), now, true) {
		t.Error("it says that some is left")
	}
	for name, want := range map[string]string{"gold": "2", "one": "1"} {
		var got comply.Ledger
		r, err := kept.Get(t.Context(), ledgerBucket, name)
		if err != nil || json.Unmarshal(r.Value, &got) != nil || got.Intent != want {
			t.Errorf("%s: %s, %v", name, r.Value, err)
		}
	}
	var seen time.Time
	if r, err := kept.Get(t.Context(), aliveBucket, aliveKey); err != nil || json.Unmarshal(r.Value, &seen) != nil || !seen.Equal(now) {
		t.Errorf("alive %s, %v", r.Value, err)
	}
	l.add(core.Keep{Intent: "gold"})
	done := make(chan struct{})
	close(done)
	l.run(done) // what is left is written in the end
	if r, err := kept.Get(t.Context(), ledgerBucket, "gold"); err != nil || r.Version != 0 {
		t.Errorf("an intent that is gone is remembered: %+v, %v", r, err)
	}
}

// The largest ledger that there can be fits into the store, as many as go into a commit.
func TestLedgersFit(t *testing.T) {
	kept := store.Memory()
	l := newLedgers(Options{Log: slog.New(slog.DiscardHandler)}, kept.Commit)
	full := &comply.Ledger{}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := 1
	for month := range 2 * comply.KeptMonths {
		for k, status := range comply.Statuses {
			var all []comply.Condition
			for _, name := range []string{"multiplicity", "path", "installed", "disjoint-link", "disjoint-node", "disjoint-srlg", "disjoint-site", "disjoint-operator",
				"separation", "bandwidth", "maxDelay", "maxDelaySpread", "maxHops", "countries", "avoid", "nodes", "links", "encryption", "way", "loss", "leaks", "margin", "reserve"} {
				all = append(all, comply.Condition{Characteristic: name, Status: status, Measured: "something of some length that people read, with a path/name in it"})
			}
			full.Update(now.AddDate(0, month, k), all)
		}
	}
	for range 3 * comply.KeptErosions {
		n++
		full.Count(now, comply.Margins{Margin: &comply.Counts{Link: &n}, Reserve: &comply.Counts{Node: &n}}, true, "srlg:some-duct-with-a-name-of-some-length")
	}
	for k := range 100 {
		l.add(core.Keep{Intent: string(rune('a'+k%26)) + string(rune('a'+k/26)), Ledger: full})
	}
	if !l.write(t.Context(), now, false) {
		value, _ := json.Marshal(full)
		t.Errorf("a ledger of %d bytes does not fit", len(value))
	}
}
