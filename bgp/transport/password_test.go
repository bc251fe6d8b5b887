package transport

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPasswordIsNotPrinted(t *testing.T) {
	p, err := NewPassword([]byte("sesame"))
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		P Password
		s Security
		q *Password
	}{p, Security{Hops: 1, Password: p}, &p}
	text, err := json.Marshal(holder.P)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text = fmt.Appendf(text, verb+verb+verb+verb, p, &p, holder, holder.s)
	}
	if all := string(text); strings.Contains(all, "sesame") || strings.Contains(all, fmt.Sprintf("%x", "sesame")) || strings.Contains(all, "115 101 115") {
		t.Error(all)
	}
}

func TestReadPassword(t *testing.T) {
	name := filepath.Join(t.TempDir(), "password")
	for _, tt := range []struct {
		text string
		mode os.FileMode
		want string
	}{
		{"sesame\n", 0o600, ""},
		{"sesame", 0o400, ""},
		{"sesame\r\n", 0o600, ""},
		{"sesame", 0o640, "can be read by others (mode 0640): chmod 600 it"},
		{"", 0o600, "1 to 80 octets"},
		{"\n", 0o600, "1 to 80 octets"},
		{"a\x00b", 0o600, "1 to 80 octets"},
		{strings.Repeat("s", 81), 0o600, "1 to 80 octets"},
		{strings.Repeat("s", 1000), 0o600, "1 to 80 octets"},
	} {
		os.Remove(name)
		if err := os.WriteFile(name, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, tt.mode); err != nil {
			t.Fatal(err)
		}
		p, err := ReadPassword(name)
		if tt.want == "" {
			if err != nil || string(p.octets()) != "sesame" {
				t.Errorf("%q: %v", tt.text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sss") {
			t.Errorf("%q, mode %o: %v", tt.text, tt.mode, err)
		}
	}
	if _, err := ReadPassword(name + "-not"); err == nil {
		t.Error("a file that is not there")
	}
	pipe := name + ".pipe" // nobody writes to it: must not be waited for
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, odd := range []string{pipe, t.TempDir()} {
		if _, err := ReadPassword(odd); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", odd, err)
		}
	}
	long, err := NewPassword([]byte(strings.Repeat("s", 80)))
	if err != nil {
		t.Fatal(err)
	}
	same, _ := NewPassword([]byte(strings.Repeat("s", 80)))
	other, _ := NewPassword([]byte("sesame"))
	if !long.Equal(same) || long.Equal(other) || long.Equal(Password{}) || !(Password{}).Equal(Password{}) {
		t.Error("which passwords are equal")
	}
}

func TestSecurityInWords(t *testing.T) {
	p, _ := NewPassword([]byte("sesame"))
	for want, s := range map[string]Security{
		"none": {}, "TCP MD5": {Password: p}, "GTSM, on the same link": {Hops: 1}, "GTSM, at most 3 hops; TCP MD5": {Hops: 3, Password: p},
	} {
		if s.String() != want {
			t.Errorf("%q, want %q", s, want)
		}
	}
	for hops, least := range map[int]int{0: 0, 1: 255, 2: 254, 254: 2} {
		if got := (Security{Hops: hops}).least(); got != least {
			t.Errorf("%d hops: %d, want %d", hops, got, least)
		}
	}
}
