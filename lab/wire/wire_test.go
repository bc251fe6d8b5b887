package wire

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/lab/netns"
)

func namespace(t *testing.T) *netns.Namespace {
	t.Helper()
	needs.Root(t, "to make network namespaces")
	path := filepath.Join(t.TempDir(), "ns")
	if err := netns.Create(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netns.Remove(path); err != nil {
			t.Error(err)
		}
	})
	ns, err := netns.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

// bundle is n cables between two nodes.
func bundle(a, b *netns.Namespace, n int) (cables []Cable, numbers []int) {
	for i := range n {
		name := fmt.Sprintf("eth%d", i)
		cables = append(cables, Cable{Number: i, MTU: 1500, Ends: [2]End{{Node: a, Interface: name}, {Node: b, Interface: name}}})
		numbers = append(numbers, i)
	}
	return cables, numbers
}

func TestPlugCutMendUnplug(t *testing.T) {
	w, err := Open(namespace(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const n = chunk // more requests than go into one system call
	cables, numbers := bundle(namespace(t), namespace(t), n)
	up := func(when string, want int) {
		t.Helper()
		got, err := w.Up()
		if err != nil || len(got) != want {
			t.Errorf("%s: %d cables are up, %v; want %d", when, len(got), err, want)
		}
	}
	if err := w.Plug(cables); err != nil {
		t.Fatal(err)
	}
	up("after plug", 0)
	if err := w.Mend(numbers); err != nil {
		t.Fatal(err)
	}
	up("after mend", n)
	if err := w.Cut(numbers[3:5]); err != nil {
		t.Fatal(err)
	}
	up("after cut", n-2)
	if got, err := w.Up(); err != nil || got[3] || got[4] || !got[5] {
		t.Errorf("after cutting 3 and 4 those are up: %v, %v", maps.Keys(got), err)
	}
	for range 2 {
		if err := w.Unplug(); err != nil {
			t.Fatal(err)
		}
		up("after unplug", 0)
	}
}

func TestErrorsNameWhatFailed(t *testing.T) {
	w, err := Open(namespace(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	a, b := namespace(t), namespace(t)
	cables, _ := bundle(a, b, 1)
	if err := w.Plug(cables); err != nil {
		t.Fatal(err)
	}
	cables[0].Ends[0].Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("192.0.2.1/24")}
	for what, err := range map[string]error{
		"plug in eth0: file exists":            w.Plug(cables),
		"put 192.0.2.1/24 on eth0: file exist": Attach(a, nil, cables),
		"wire end 7a":                          w.Cut([]int{7}),
		"limit the rate to 1000 bit/s":         w.Limit(7, 1000, 1500),
		"lose packets":                         w.Lose(7, [2]int64{1000, 1000}),
		"lift the rate limit":                  w.Limit(7, 0, 1500),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want one with %q", err, what)
		}
	}
}

func TestClearingWhatIsNotSet(t *testing.T) {
	w, err := Open(namespace(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cables, _ := bundle(namespace(t), namespace(t), 1)
	if err := w.Plug(cables); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Limit(0, 0, 1500); err != nil {
			t.Error(err)
		}
		if err := w.Lose(0, [2]int64{}); err != nil {
			t.Error(err)
		}
	}
	for _, bps := range []int64{1, 8, 1e6, 40e9, 1e15} {
		if err := w.Limit(0, bps, 65535); err != nil {
			t.Errorf("limit %d: %v", bps, err)
		}
	}
}
