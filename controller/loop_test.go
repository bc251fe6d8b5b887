package controller

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"testing"

	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/store"
)

// A path set that could not be written is written later, with what it is then.
func TestKeepTriesAgain(t *testing.T) {
	kept := store.Memory()
	broken := true
	l := newLoop(core.New(core.Params{}), Options{Log: slog.New(slog.DiscardHandler)})
	l.commit = func(ctx context.Context, ops ...store.Op) error {
		if broken {
			return errors.New("disk on fire")
		}
		return kept.Commit(ctx, ops...)
	}
	ctx := context.Background()
	standing := func(id string) []core.Effect {
		return []core.Effect{core.Persist{Intent: "gold", Standing: &core.Standing{Intent: id}}}
	}
	l.keep(ctx, standing("first"))
	if l.wake.IsZero() {
		t.Error("nothing will try again")
	}
	l.keep(ctx, standing("second"))
	broken = false
	l.keep(ctx, nil)
	r, err := kept.Get(ctx, standingBucket, "gold")
	if err != nil || string(r.Value) != `{"intent":"second","paths":null}` {
		t.Errorf("kept: %s, %v", r.Value, err)
	}
	if l.keep(ctx, nil); len(l.unkept) != 0 {
		t.Error("what is kept is kept again")
	}
}

// What headends are told by BGP leaves in the order in which the Core says it, and
// what was fed together is published once.
func TestAnnouncementsLeaveInOrder(t *testing.T) {
	l := newLoop(core.New(core.Params{}), Options{Log: slog.New(slog.DiscardHandler)})
	var said []core.Effect
	l.announce = func(e core.Effect) []core.Event { said = append(said, e); return nil }
	all := []core.Effect{core.Announce{Node: "a"}, core.Withdraw{Node: "b"}, core.AnnouncedAll{}}
	l.carryOut(all)
	if !reflect.DeepEqual(said, all) {
		t.Errorf("%+v", said)
	}
	l.announce = func(core.Effect) []core.Event { return []core.Event{core.Tick{}} }
	if news := l.carryOut(all[:1]); !reflect.DeepEqual(news, []core.Event{core.Tick{}}) {
		t.Errorf("the Core does not hear what came of it: %+v", news)
	}
	published := 0
	l.publish = func(core.View) { published++ }
	l.record, l.solve, l.remember = func(core.Entry) {}, func(core.Solve) {}, func(core.Keep) {}
	go l.feedAll([]core.Event{core.Tick{}, core.PeersChanged{}, core.Tick{}})
	l.step(context.Background(), <-l.events...)
	if published != 1 {
		t.Errorf("published %d times", published)
	}
}
