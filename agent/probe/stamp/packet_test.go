package stamp

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
	"time"
)

// TestStamp has the layout of RFC 8762 section 4.2.2 with the SSID of RFC 8972.
func TestStamp(t *testing.T) {
	s := NewSealer([]byte("a key"))
	b := bytes.Repeat([]byte{0xff}, Len)
	want := Test{Sequence: 0x01020304, Clock: Unsynced, Sent: NTPOf(time.Unix(0, 5e8)), SSID: 0x0506}
	s.Seal(b, want)
	const layout = "01020304" + "000000000000000000000000" + "83aa7e8080000000" + "0001" + "0506"
	if got := hex.EncodeToString(b[:28]); got != layout {
		t.Errorf("got  %s\nwant %s", got, layout)
	}
	if !bytes.Equal(b[28:atHMAC], make([]byte, 68)) {
		t.Errorf("must be zero: %x", b[28:atHMAC])
	}
	if got, ok := s.Open(b); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("opened %+v, %v", got, ok)
	}
	for i := range b {
		b[i] ^= 1
		if _, ok := s.Open(b); ok {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
		b[i] ^= 1
	}
	if _, ok := NewSealer([]byte("another")).Open(b); ok {
		t.Error("opened with another key")
	}
	for n := range Len {
		if _, ok := s.Open(b[:n]); ok {
			t.Fatalf("opened %d bytes", n)
		}
	}
}

func TestNTPDifference(t *testing.T) {
	eraEnd := time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC)
	for _, d := range []time.Duration{0, time.Microsecond, 999 * time.Millisecond, 3 * time.Second, -time.Millisecond, -5 * time.Second} {
		got := NTPOf(eraEnd.Add(d)).Sub(NTPOf(eraEnd))
		if (got - d).Abs() > time.Nanosecond {
			t.Errorf("%v became %v", d, got)
		}
	}
}
