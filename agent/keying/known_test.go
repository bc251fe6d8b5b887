package keying

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/rotate"
)

// A peer that has another identity than it had is an alarm, also when it
// changed while the agent was away and after one more restart; a file of
// before identities were kept is no change.
func TestIdentityChanged(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	disk := store{a.dir, a.name}
	onDisk := func() kept {
		k, _, err := disk.load(b.name)
		must(t, err)
		return k
	}
	again := func(change func(k *kept)) {
		a.stop()
		k := onDisk()
		change(&k)
		must(t, disk.save(b.name, k))
		epoch := k.State.Epoch
		a.start()
		a.join(b, 1)
		keyed(t, epoch+1, a, b)
	}
	again(func(k *kept) { k.Known = nil })
	eventually(t, "the identity is learned", func() bool { return len(onDisk().Known) == 1 })
	if strings.Contains(a.alarms(), IdentityChanged) {
		t.Error("an alarm of the first identity")
	}

	was := b.id.Public().Fingerprint().String()
	again(func(*kept) {
		b.stop()
		other, err := hybrid.Generate(rand.Reader)
		must(t, err)
		b.id = other
		b.start()
		b.join(a, 1)
	})
	is := b.id.Public().Fingerprint().String()
	fires := func() string {
		for _, alarm := range a.keyer.Alarms() {
			if alarm.Name == IdentityChanged {
				return alarm.Peer + ": " + alarm.Message
			}
		}
		return ""
	}
	for range 2 { // also after a restart
		if m := fires(); !strings.HasPrefix(m, "bea: ") || !strings.Contains(m, was[:shown]) || !strings.Contains(m, is[:shown]) {
			t.Fatalf("%q says not that %s became %s", m, was[:shown], is[:shown])
		}
		again(func(k *kept) {
			if len(k.Known) != 2 || k.Known[0].Identity != was || k.Known[1].Identity != is {
				t.Errorf("on disk is %v", k.Known)
			}
		})
	}

	// After a day the alarm is over, and the file still says what happened.
	k := a.keyer
	k.mu.Lock()
	k.asked = append(k.asked, func() {
		p := k.peers[b.name]
		p.known[1].Since = p.known[1].Since.Add(-changeFires)
		p.remind = time.Now()
		k.touch(p)
	})
	k.mu.Unlock()
	notify(k.wake)
	eventually(t, "the alarm is over", func() bool { return fires() == "" })
	again(func(k *kept) {
		if len(k.Known) != 2 {
			t.Errorf("on disk is %v", k.Known)
		}
	})
}

// The first identity stays known however many come after it.
func TestLearn(t *testing.T) {
	var all []known
	at := time.Unix(1e9, 0)
	for i := range 100 {
		var learned bool
		if all, learned = learn(all, hybrid.Fingerprint{byte(i)}, at); !learned {
			t.Fatal(i)
		}
		if again, learned := learn(all, hybrid.Fingerprint{byte(i)}, at.Add(time.Hour)); learned || !reflect.DeepEqual(again, all) {
			t.Fatal(i, again)
		}
	}
	if len(all) != maxKnown || all[0].Identity[:2] != "00" || all[1].Identity[:2] != fmt.Sprintf("%02x", 100-maxKnown+1) || validate(all) != nil {
		t.Errorf("%v", all)
	}
	if a, until := changed("b", all, at.Add(changeFires-1)); !a.Firing || !until.Equal(at.Add(changeFires)) {
		t.Errorf("%v, %v", a, until)
	}
	if a, until := changed("b", all, at.Add(changeFires)); a.Firing || !until.IsZero() {
		t.Errorf("%v, %v", a, until)
	}
}

// FuzzState: what is read as a pair's state is one, and is written the same.
// The checksum is put right, so that more than it is looked at.
func FuzzState(f *testing.F) {
	s := store{node: "aki"}
	for _, seed := range []string{
		`{"version":1,"node":"aki","peer":"bea","state":{"epoch":3,"floors":[{"intent":"gold","level":"pq"}],` +
			`"lanes":[{"lane":{"intent":"gold","index":1},"epoch":3,"level":"qkd","since":"2026-01-02T03:04:05Z","clean":true}]},"sha256":""}`,
		`{"version":1,"node":"aki","peer":"bea","state":{"epoch":0,"floors":null,"lanes":null},"identities":[{"identity":"` +
			strings.Repeat("ab", 32) + `","since":"2026-01-02T03:04:05Z"}]}`,
		`{"version":1,"node":"aki","peer":"bea","state":{"epoch":18446744073709551615},"identities":[{"identity":"a"}]}`,
		`{"version":2}`, `{}{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := s.parse("bea", b); err == nil {
			t.Log("with its own checksum") // all the better
		}
		var file stateFile
		if json.NewDecoder(bytes.NewReader(b)).Decode(&file) != nil {
			return
		}
		file.Version, file.Node, file.Peer = stateVersion, s.node, "bea"
		var err error
		if file.Sum, err = file.sum(); err != nil {
			return
		}
		whole, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.parse("bea", whole)
		if err != nil {
			return
		}
		if k.State.Validate() != nil || len(k.Known) > maxKnown {
			t.Errorf("%s is taken", whole)
		}
		changed("bea", k.Known, time.Now())
		learn(k.Known, hybrid.Fingerprint{}, time.Now())
		rotate.New(time.Now(), rotate.Config{Params: rotate.Every(rotate.DefaultInterval), State: k.State}).Wake()
	})
}
