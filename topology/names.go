package topology

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// The limits of what a topology may say. They keep every sum that a solver
// makes far from overflow.
const (
	MaxNameLen   = 63
	MaxMetric    = 1<<32 - 1                   // 32 bits, the widest of RFC 9552 (TE default metric)
	MaxBandwidth = Bandwidth(1_000_000 * 1e9)  // 1,000 Tbps
	MaxDelay     = Delay(1_000 * 1_000 * 1000) // 1,000 s
)

var (
	namePattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	linkNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._#-]*$`)
	countryPattern  = regexp.MustCompile(`^[A-Z]{2}$`)
)

// maxLinkName holds a--b#99 of two names of full length.
const maxLinkName = 2*MaxNameLen + len("--#99")

// CheckName says what is wrong with the name of a site, node, shared risk,
// operator or intent.
func CheckName(s string) error {
	if len(s) > MaxNameLen || !namePattern.MatchString(s) {
		return fmt.Errorf("bad name %.80q: want up to %d letters, digits, '.', '_' and '-', the first a letter or digit", s, MaxNameLen)
	}
	return nil
}

// CheckLinkName says what is wrong with the name of a link.
func CheckLinkName(s string) error {
	if len(s) > maxLinkName || !linkNamePattern.MatchString(s) {
		return fmt.Errorf("bad link name %.80q: want up to %d letters, digits, '.', '_', '-' and '#', the first a letter or digit", s, maxLinkName)
	}
	return nil
}

// CheckCountry says what is wrong with a country code, ISO 3166-1 alpha-2.
func CheckCountry(s string) error {
	if !countryPattern.MatchString(s) {
		return fmt.Errorf("bad country %.80q: want two upper-case letters (ISO 3166-1 alpha-2), such as JP", s)
	}
	return nil
}

// CheckInterface says what is wrong with the name of a network interface: the
// kernel takes up to 15 bytes (IFNAMSIZ) without '/', ':' and white space.
func CheckInterface(s string) error {
	if s == "" || s == "." || s == ".." || len(s) > 15 || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '/' || r == ':'
	}) {
		return fmt.Errorf("bad interface name %.80q: want 1 to 15 ASCII characters without '/', ':' and white space", s)
	}
	return nil
}

// CheckText says what is wrong with free text, such as a region.
func CheckText(s string) error {
	if len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return fmt.Errorf("bad text %.80q: want at most 255 bytes of printable characters", s)
	}
	return nil
}

// CheckLabel says what is wrong with a label.
func CheckLabel(key, value string) error {
	if key == "" {
		return errors.New("the key of a label is empty")
	}
	if err := CheckText(key); err != nil {
		return err
	}
	return CheckText(value)
}
