package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/controller/waiver"
	"github.com/keiro-net/keiro/keys/sign"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
)

const waiverBucket = "waiver"

// ReadOperators reads the public keys whose waivers count, one behind the other.
// No way through the API leads to them.
func ReadOperators(file string) ([]*sign.Public, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := sign.ParsePublics(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// waived reports whether an operator allowed what is found. A waiver is verified
// again whenever it is used: a key that is no operator's any more waives nothing.
func (b *backend) waived(f gate.Finding) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.waivers, func(s waiver.Signed) bool {
		return s.Covers(f) && s.Verify(b.operators, b.clerk.now().Wall) == nil
	})
}

// Waive implements api.Backend.
func (b *backend) Waive(ctx context.Context, document []byte) ([]resource.Waiver, error) {
	all, err := waiver.Parse("waiver", document)
	if err == nil && len(all) == 0 {
		err = errors.New("no document of kind Waiver")
	}
	for _, s := range all {
		err = errors.Join(err, s.Verify(b.operators, b.clerk.now().Wall))
	}
	if err != nil {
		return nil, resource.Errorf(resource.Invalid, "%v", err)
	}
	b.changing.Lock()
	defer b.changing.Unlock()
	d, _ := b.now()
	var news core.Noticed
	var out []resource.Waiver
	for _, s := range all {
		if !slices.ContainsFunc(d.Intents, func(i pathspec.Intent) bool { return i.Name == s.Intent }) {
			return nil, resource.Errorf(resource.NotFound, "there is no intent %s: a waiver is for one that is declared", s.Intent)
		}
		value, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		if err := b.store.Commit(ctx, store.Put(waiverBucket, s.Name(), value)); err != nil {
			return nil, err
		}
		b.setWaivers(append(b.waiversBut(s.Name()), s))
		out = append(out, waiverOf(s))
		news.Entries = append(news.Entries, b.waiverEntry("Waived", s, fmt.Sprintf("may be lost until %s by the key %.16s, handed in by %s: %s",
			s.Until.Format(time.RFC3339), s.Key, api.Principal(ctx), s.Reason)))
	}
	b.clerk.wake()
	return out, b.loop.after(news)
}

// Waivers implements api.Backend.
func (b *backend) Waivers() []resource.Waiver {
	out := []resource.Waiver{}
	for _, s := range b.waiversBut("") {
		out = append(out, waiverOf(s))
	}
	return out
}

// Unwaive implements api.Backend.
func (b *backend) Unwaive(ctx context.Context, intent, characteristic string) error {
	return b.endWaiver(ctx, waiver.Waiver{Intent: intent, Characteristic: characteristic}.Name(), "WaiverDeleted", "was taken back by "+api.Principal(ctx))
}

func (b *backend) endWaiver(ctx context.Context, name, kind, why string) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	left := b.waiversBut(name)
	n := slices.IndexFunc(b.waiversBut(""), func(s waiver.Signed) bool { return s.Name() == name })
	if n < 0 {
		return resource.Errorf(resource.NotFound, "there is no waiver %s", name)
	}
	gone := b.waiversBut("")[n]
	if err := b.store.Commit(ctx, store.Delete(waiverBucket, name)); err != nil {
		return err
	}
	b.setWaivers(left)
	return b.loop.after(core.Noticed{Entries: []core.Entry{b.waiverEntry(kind, gone, why)}})
}

// expireWaivers tells of waivers that have ended, and says when the next does.
func (b *backend) expireWaivers(ctx context.Context) (left time.Duration, err error) {
	for _, s := range b.waiversBut("") {
		rest := s.Until.Sub(b.clerk.now().Wall)
		if rest <= 0 {
			err = errors.Join(err, b.endWaiver(ctx, s.Name(), "WaiverExpired", "is guarded again: its waiver is over"))
		} else if left == 0 || rest < left {
			left = rest
		}
	}
	return left, err
}

func (b *backend) waiversBut(name string) []waiver.Signed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.waivers), func(s waiver.Signed) bool { return s.Name() == name })
}

func (b *backend) setWaivers(all []waiver.Signed) {
	slices.SortFunc(all, func(x, y waiver.Signed) int { return strings.Compare(x.Name(), y.Name()) })
	b.mu.Lock()
	b.waivers = all
	b.mu.Unlock()
}

func (b *backend) waiverEntry(kind string, s waiver.Signed, message string) core.Entry {
	return core.Entry{Time: b.clerk.now().Wall, Type: kind, Object: "intent:" + s.Intent, Intents: []string{s.Intent}, Message: s.Characteristic + " of " + s.Intent + " " + message}
}

func waiverOf(s waiver.Signed) resource.Waiver {
	return resource.Waiver{Intent: s.Intent, Characteristic: s.Characteristic, Reason: s.Reason, Issued: s.Issued, Until: s.Until, Key: s.Key}
}
