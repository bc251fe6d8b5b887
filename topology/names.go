package topology

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
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

// reservedInterfaces are no names for an end of a link: those that name no
// file, and those that mean something else below /proc/sys.
var reservedInterfaces = []string{"", ".", "..", "lo", "all", "default"}

// CheckInterface says what is wrong with the name of a network interface: the
// kernel takes up to 15 bytes (IFNAMSIZ) without '/', ':' and white space.
func CheckInterface(s string) error {
	if slices.Contains(reservedInterfaces, s) || len(s) > 15 || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '/' || r == ':'
	}) {
		return fmt.Errorf("bad interface name %.80q: want 1 to 15 ASCII characters without '/', ':' and white space, and not %s", s, strings.Join(reservedInterfaces[3:], ", "))
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

// CheckLatitude says what is wrong with a latitude, in degrees north.
func CheckLatitude(v float64) error {
	if !(v >= -90 && v <= 90) {
		return fmt.Errorf("bad latitude %v: want -90 to 90", v)
	}
	return nil
}

// CheckLongitude says what is wrong with a longitude, in degrees east.
func CheckLongitude(v float64) error {
	if !(v >= -180 && v <= 180) {
		return fmt.Errorf("bad longitude %v: want -180 to 180", v)
	}
	return nil
}

// CheckMetric says what is wrong with the metric of a link.
func CheckMetric(v int64) error {
	if v < 1 || v > MaxMetric {
		return fmt.Errorf("bad metric %d: want 1 to %d", v, MaxMetric)
	}
	return nil
}

// CheckBandwidth says what is wrong with a bandwidth.
func CheckBandwidth(v Bandwidth) error {
	if v > MaxBandwidth {
		return fmt.Errorf("bad bandwidth %v: want at most %v", v, MaxBandwidth)
	}
	return nil
}

// CheckDelay says what is wrong with the delay of a link.
func CheckDelay(v Delay) error {
	if v > MaxDelay {
		return fmt.Errorf("bad delay %v: want at most %v", v, MaxDelay)
	}
	return nil
}

var locatorBlock = netip.MustParsePrefix("5f00::/16")

// ParseLocator reads an SRv6 locator: a /48 of the block that RFC 9602 assigns
// to SRv6 SIDs.
func ParseLocator(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Bits() != 48 || !locatorBlock.Contains(p.Addr()) || p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("bad locator %.80q: want a /48 within %v, such as 5f00:0:1::/48", s, locatorBlock)
	}
	return p, nil
}

var systemIDPattern = regexp.MustCompile(`^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$`)

// ParseRouterID reads what an IGP calls a router: an IPv4 or IPv6 address, which
// an OSPF router ID is written as, or an IS-IS system ID (ISO 10589). Two that
// are the same come out as the same text.
func ParseRouterID(s string) (string, error) {
	if lower := strings.ToLower(s); systemIDPattern.MatchString(lower) {
		return lower, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() || a.IsUnspecified() {
		return "", fmt.Errorf("bad router ID %.80q: want an IPv4 or IPv6 address or an IS-IS system ID, such as 0000.0000.0001", s)
	}
	return a.String(), nil
}

// ParseInterfaceAddress reads the address of an interface as an IGP has it, thus
// not one of link-local scope: BGP-LS does not carry those (RFC 9552 section
// 5.2.2).
func ParseInterfaceAddress(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() || !a.IsGlobalUnicast() {
		return netip.Addr{}, fmt.Errorf("bad address %.80q: want a unicast IPv4 or IPv6 address that is not link-local, such as 192.0.2.1", s)
	}
	return a, nil
}

// LinkNames completes the names of links: where the given one is empty, a--b,
// or else a--b#2 and so on, the first that no other link has.
func LinkNames(given []string, ends [][2]string) []string {
	names := slices.Clone(given)
	taken := make(map[string]bool, len(names))
	for _, name := range names {
		taken[name] = true
	}
	last := map[string]int{} // number of the last parallel
	for i := range names {
		if names[i] != "" {
			continue
		}
		base := ends[i][0] + "--" + ends[i][1]
		for names[i] == "" || taken[names[i]] {
			last[base]++
			names[i] = base
			if n := last[base]; n > 1 {
				names[i] = fmt.Sprintf("%s#%d", base, n)
			}
		}
		taken[names[i]] = true
	}
	return names
}
