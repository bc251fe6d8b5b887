package pathspec

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/topology"
)

// DocumentKind heads an intent document.
const DocumentKind = "PathIntent"

// document is the file form of an Intent, in YAML and in JSON. A pointer or
// list that is nil was not given.
type document struct {
	APIVersion string      `json:"apiVersion" strict:"required"`
	Kind       string      `json:"kind" strict:"required"`
	Metadata   metadataDoc `json:"metadata" strict:"required,flow"`
	Spec       specDoc     `json:"spec" strict:"required"`
}

type metadataDoc struct {
	Name   string            `json:"name" strict:"required"`
	Labels map[string]string `json:"labels,omitzero"`
}

type specDoc struct {
	From        string        `json:"from" strict:"required"`
	To          string        `json:"to" strict:"required"`
	Priority    int           `json:"priority,omitzero"`
	Traffic     []selectorDoc `json:"traffic,omitzero" strict:"flow"`
	Mode        Mode          `json:"mode,omitzero"`
	Weights     []int         `json:"weights,omitzero" strict:"flow"`
	Require     requireDoc    `json:"require,omitzero"`
	Objective   Objective     `json:"objective,omitzero"`
	OnViolation OnViolation   `json:"onViolation,omitzero"`
}

type selectorDoc struct {
	From prefix `json:"from" strict:"required"`
	To   prefix `json:"to" strict:"required"`
}

type requireDoc struct {
	Multiplicity     *int                `json:"multiplicity,omitzero"`
	Disjoint         []Kind              `json:"disjoint,omitzero" strict:"flow"`
	Separation       *topology.Distance  `json:"separation,omitzero"`
	SeparationExcept *topology.Distance  `json:"separationExcept,omitzero"`
	Bandwidth        *topology.Bandwidth `json:"bandwidth,omitzero"`
	MaxDelay         *topology.Delay     `json:"maxDelay,omitzero"`
	MaxDelaySpread   *topology.Delay     `json:"maxDelaySpread,omitzero"`
	MaxHops          *int                `json:"maxHops,omitzero"`
	Countries        countriesDoc        `json:"countries,omitzero" strict:"flow"`
	Avoid            avoidDoc            `json:"avoid,omitzero" strict:"flow"`
	Nodes            *string             `json:"nodes,omitzero"`
	Links            *string             `json:"links,omitzero"`
	Encryption       Encryption          `json:"encryption,omitzero"`
}

type countriesDoc struct {
	Allow []string `json:"allow,omitzero"`
	Deny  []string `json:"deny,omitzero"`
}

type avoidDoc struct {
	Nodes     []string `json:"nodes,omitzero"`
	Links     []string `json:"links,omitzero"`
	SRLGs     []string `json:"srlgs,omitzero"`
	Sites     []string `json:"sites,omitzero"`
	Operators []string `json:"operators,omitzero"`
}

// prefix is the source or destination of a selector.
type prefix struct {
	netip.Prefix
}

func (p *prefix) UnmarshalText(text []byte) error {
	parsed, err := netip.ParsePrefix(string(text))
	switch {
	case err != nil:
		return fmt.Errorf("bad prefix %.80q: want one such as 10.1.0.0/16 or 2001:db8::/48", text)
	case parsed.Addr().Is4In6():
		return fmt.Errorf("bad prefix %s: write IPv4 as IPv4", parsed)
	case parsed != parsed.Masked():
		return fmt.Errorf("bad prefix %s: it has host bits, want %s", parsed, parsed.Masked())
	}
	p.Prefix = parsed
	return nil
}

// The words of the files.

// UnmarshalText reads link, node, srlg, site or operator.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = parseWord[Kind]("kind of disjointness", kindNames, string(text))
	return err
}

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads delay, metric, hops or balance.
func (o *Objective) UnmarshalText(text []byte) (err error) {
	*o, err = parseWord[Objective]("objective", objectiveNames, string(text))
	return err
}

// MarshalText is String.
func (o Objective) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads failover or spread.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = parseWord[Mode]("mode", modeNames, string(text))
	return err
}

// MarshalText is String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads reroute, alert or block.
func (v *OnViolation) UnmarshalText(text []byte) (err error) {
	*v, err = parseWord[OnViolation]("onViolation", onViolationNames, string(text))
	return err
}

// MarshalText is String.
func (v OnViolation) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads none, classic, pq or qkd.
func (e *Encryption) UnmarshalText(text []byte) (err error) {
	*e, err = parseWord[Encryption]("encryption", encryptionNames, string(text))
	return err
}

// MarshalText is String.
func (e Encryption) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

func parseWord[T ~uint8](what string, words []string, s string) (T, error) {
	if i := slices.Index(words, s); i >= 0 {
		return T(i), nil
	}
	return 0, fmt.Errorf("unknown %s %.80q: want %s", what, s, strings.Join(words, ", "))
}
