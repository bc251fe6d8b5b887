package lab

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A tap sees a frame once, where it leaves its node, on its link, in its
// direction and at its time, also when the cable loses it.
func TestTap(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	tap, err := l.Tap()
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	for _, tt := range []struct {
		node, port, link, to string
	}{
		{"a", "eth1", "a--b", "b"},
		{"b", "eth1", "a--b", "a"},
		{"c", "eth1", "west", "b"},
		{"a", "eth3", "c--a#2", "c"},
	} {
		for _, loss := range []int64{0, 1e6} {
			if err := l.Impair(t.Context(), tt.link, Impairment{Loss: loss}); err != nil {
				t.Fatal(err)
			}
			frame := bytes.Repeat([]byte{byte(tt.node[0]), byte(loss >> 10)}, 40)
			before := time.Now()
			send(t, l, tt.node, tt.port, frame)
			send(t, l, tt.node, tt.port, make([]byte, 64)) // comes after it
			seen, buf := 0, make([]byte, 1<<16)
			for end := time.Now().Add(10 * time.Second); ; {
				f, ok, err := tap.Next(buf)
				if err != nil || time.Now().After(end) {
					t.Fatalf("%s %s: %v", tt.node, tt.port, err)
				}
				if !ok || f.Bytes[0] != 0 && f.Bytes[0] != frame[0] {
					continue // the kernel's own
				}
				if bytes.Equal(f.Bytes, make([]byte, 64)) {
					break
				}
				if !bytes.Equal(f.Bytes, frame) {
					continue
				}
				seen++
				if f.Link != tt.link || f.From != tt.node || f.To != tt.to {
					t.Errorf("%s %s: seen on %s from %s to %s", tt.node, tt.port, f.Link, f.From, f.To)
				}
				if f.At.Before(before) || f.At.After(time.Now()) {
					t.Errorf("%s %s: seen at %s, sent after %s", tt.node, tt.port, f.At, before)
				}
			}
			if seen != 1 {
				t.Errorf("%s %s, loss %d ppm: seen %d times", tt.node, tt.port, loss, seen)
			}
		}
	}
	if n, err := tap.Missed(); n != 0 || err != nil {
		t.Errorf("missed %d frames, %v", n, err)
	}
	send(t, l, "a", "eth1", bytes.Repeat([]byte{1}, 1000))
	for {
		if _, _, err := tap.Next(make([]byte, 200)); err != nil {
			break
		}
	}
	if err := Down(context.Background(), l.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tap(); !errors.Is(err, ErrNotUp) {
		t.Errorf("tap of a lab that is down: %v, want %v", err, ErrNotUp)
	}
}

// send sends a frame out of a port.
func send(t *testing.T, l *Lab, node, port string, frame []byte) {
	t.Helper()
	err := l.In(node, func() error {
		link, err := netlink.LinkByName(port)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index})
	})
	if err != nil {
		t.Fatal(err)
	}
}
