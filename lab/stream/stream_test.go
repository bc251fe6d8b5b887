package stream

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStreamArrivesWhole(t *testing.T) {
	for _, addr := range []string{"127.0.0.1", "::1"} {
		t.Run(addr, func(t *testing.T) {
			a := netip.MustParseAddr(addr)
			s, err := Start(Config{From: a, To: a, Rate: 2000, Size: 100})
			if err != nil {
				t.Fatal(err)
			}
			for s.Received() < 100 {
				if s.Sent() > 20000 {
					t.Fatal("of 20000 packets over the loopback not 100 came")
				}
				time.Sleep(time.Millisecond)
			}
			r := s.Stop()
			if r.Sent < 100 || r.Received != r.Sent || r.Lost != 0 || r.Refused != 0 || r.Duplicates != 0 || r.Reordered != 0 || len(r.Outages) != 0 {
				t.Errorf("over the loopback: %+v", r)
			}
			if r.LongestGap < 100 {
				t.Errorf("longest gap of %d us between packets sent every 500 us", r.LongestGap)
			}
		})
	}
}

func TestRefusedPacketsAreLost(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	// A loopback source may not leave the machine: the kernel refuses.
	fd, err := socket(netip.AddrPortFrom(local, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	snd := &sender{socket: fd, target: &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}, Port: 9}, period: time.Millisecond, size: headerSize}
	stop := make(chan struct{})
	go func() {
		for snd.sent.Load() < 3 {
			time.Sleep(time.Millisecond)
		}
		close(stop)
	}()
	snd.run(stop)
	r := newResult(snd, &recorder{sender: snd})
	if r.Sent < 3 || r.Refused != r.Sent || r.Lost != r.Sent || r.Refusal == "" || len(r.Outages) != 1 || !r.Outages[0].Open {
		t.Errorf("with every packet refused: %+v", r)
	}
}

func TestStartRefuses(t *testing.T) {
	local, six := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{From: local, To: local}, "rate 0"},
		{Config{From: local, To: local, Rate: 1, Size: 5}, "size 5"},
		{Config{From: local, To: six, Rate: 1}, "one family"},
		{Config{From: local, Rate: 1}, "one family"},
		{Config{From: netip.MustParseAddr("192.0.2.1"), To: local, Rate: 1}, "send: bind to 192.0.2.1"},
		{Config{From: local, To: netip.MustParseAddr("192.0.2.1"), Rate: 1}, "receive: bind to 192.0.2.1"},
	} {
		if _, err := Start(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Start(%+v): %v, want an error with %q", test.config, err, test.want)
		}
	}
}

func TestOutages(t *testing.T) {
	const ms = int64(time.Millisecond)
	for _, test := range []struct {
		name    string
		arrived []int64 // milliseconds; 0: lost
		sent    int
		want    []Outage
	}{
		{"none", []int64{100, 101, 102}, 3, []Outage{}},
		{"one packet", []int64{100, 0, 102}, 3, []Outage{{First: 1, Lost: 1, Start: 1000, Length: 1000}}},
		{"a run and its repair", []int64{100, 0, 0, 0, 105}, 5, []Outage{{First: 1, Lost: 3, Start: 1000, Length: 4000}}},
		{"at the start", []int64{0, 101}, 2, []Outage{{First: 0, Lost: 1, Start: 0, Length: 1000}}},
		{"open", []int64{100}, 3, []Outage{{First: 1, Lost: 2, Start: 1000, Length: 99000, Open: true}}},
		{"two", []int64{100, 0, 102, 0, 104}, 5, []Outage{{First: 1, Lost: 1, Start: 1000, Length: 1000}, {First: 3, Lost: 1, Start: 3000, Length: 1000}}},
		{"overtaken after", []int64{100, 0, 108, 105}, 4, []Outage{{First: 1, Lost: 1, Start: 1000, Length: 4000}}},
		{"overtaken before", []int64{103, 100, 0, 108}, 4, []Outage{{First: 2, Lost: 1, Start: 4000, Length: 4000}}},
		{"faster way after", []int64{100, 0, 99}, 3, []Outage{{First: 1, Lost: 1, Start: 1000}}},
	} {
		arrived := make([]int64, len(test.arrived))
		for i, a := range test.arrived {
			arrived[i] = a * ms
		}
		if got := outages(arrived, test.sent, 99*ms, 200*ms, time.Millisecond); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestRecord(t *testing.T) {
	r := &recorder{id: 1, sender: &sender{}, deadline: 1000}
	r.sender.sent.Store(5)
	for i, sequence := range []int64{0, 2, 1, 1, 4, 9, -1} {
		r.record(sequence, int64(i), int64(i+100))
	}
	r.record(3, 0, 1001)
	if got := r.received.Load(); got != 4 || r.duplicates != 1 || r.reordered != 1 || r.tooLate != 1 {
		t.Errorf("received %d, duplicates %d, reordered %d, too late %d; want 4, 1, 1, 1", got, r.duplicates, r.reordered, r.tooLate)
	}
}

func TestPercentile(t *testing.T) {
	values := []int64{1, 2, 3, 4}
	if p50, p99, none := percentile(values, 50), percentile(values, 99), percentile(nil, 50); p50 != 2 || p99 != 4 || none != 0 {
		t.Errorf("p50 %d, p99 %d, of nothing %d; want 2, 4, 0", p50, p99, none)
	}
}
