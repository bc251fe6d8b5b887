package kem

import (
	"errors"
	"strings"
	"testing"
)

func TestSuiteText(t *testing.T) {
	for _, suite := range []Suite{XWing, X25519MLKEM1024} {
		text, err := suite.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{string(text), strings.ToLower(string(text))} {
			var back Suite
			if err := back.UnmarshalText([]byte(form)); err != nil || back != suite {
				t.Errorf("%s is read as %s, %v", form, back, err)
			}
		}
	}
	for _, bad := range []string{"", "X-Wing ", "ML-KEM-768", "suite 1"} {
		s := XWing
		if err := s.UnmarshalText([]byte(bad)); !errors.Is(err, ErrSuite) || s != XWing {
			t.Errorf("%q: %v, %v", bad, s, err)
		}
	}
	if _, err := Suite(3).MarshalText(); !errors.Is(err, ErrSuite) {
		t.Errorf("a suite that does not exist is written: %v", err)
	}
}
