package kme

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Key is a key with its UUID.
type Key struct {
	ID    string
	Value []byte
}

// refusal is an answer without keys: 400, 401 or 503.
type refusal struct {
	status  int
	message string
	details []map[string]string
}

func bad(message string) *refusal { return &refusal{status: http.StatusBadRequest, message: message} }

var unauthorized = &refusal{status: http.StatusUnauthorized}

func unavailable(message string) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, message: message}
}

// The texts that the standard mandates (clauses 6.2 and 6.4).
const (
	msgSize        = "size shall be a multiple of 8"
	msgUnsupported = "not all extension_mandatory parameters are supported"
	msgUnmet       = "not all extension_mandatory request options could be met"
	msgNotFound    = "one or more keys specified are not found on KME"
)

// MaxRelays is the one extension that is supported: how many trusted nodes
// other than those of the SAEs may see the key, an integer.
const MaxRelays = "keiro_max_relays"

// status answers Get status (clause 5.2).
func (n *Network) status(at int, master, slave string) (*status, *refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	to, known := n.home[slave]
	switch {
	case !n.attached(at, master):
		return nil, unauthorized
	case !known:
		return nil, bad("the slave SAE is not known")
	}
	n.advance()
	bits := int64(n.limits.KeySize)
	s := &status{
		SourceKME: n.nodes[at].name, TargetKME: n.nodes[to].name, Master: master, Slave: slave,
		KeySize: n.limits.KeySize, Stored: n.count(at, to, bits, n.inStore()), Capacity: n.count(at, to, bits, n.ifFull()),
		MaxPerRequest: n.limits.MaxPerRequest, MaxKeySize: n.limits.MaxKeySize,
		MinKeySize: n.limits.MinKeySize, MaxAdditional: n.limits.MaxAdditional,
	}
	if n.nodes[at].behaviour[ForeignStatus] {
		s.Master, s.Slave = slave, master
	}
	return s, nil
}

// enc answers Get key (clause 5.3): it draws keys, carries each to the KMEs of
// all slaves and hands them to the master. All that are asked for, or none.
func (n *Network) enc(at int, master, slave string, r keyRequest) ([]Key, *refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.attached(at, master) {
		return nil, unauthorized
	}
	here := n.nodes[at]
	slaves := append([]string{slave}, r.Additional...)
	number, bits, refused := n.check(here, slaves, r)
	if refused != nil {
		return nil, refused
	}
	n.advance()
	routes, refused := n.plan(at, slaves, int64(number*bits), r.maxRelays())
	switch {
	case refused != nil:
		return nil, refused
	case here.behaviour[Empty]:
		return nil, unavailable("not enough keys in store")
	case len(n.waiting)+number > maxWaiting:
		return nil, unavailable("too many keys wait to be fetched")
	}
	var keys []Key
	for range number {
		key := Key{here.uuid(), make([]byte, bits/8)}
		_, _ = here.random.Read(key.Value) // never fails
		n.issue(at, master, slaves, routes, key)
		keys = append(keys, key)
	}
	return here.spoil(here.again(slave, keys)), nil
}

// check is what can be said of a Key request without looking at the stores.
func (n *Network) check(here *node, slaves []string, r keyRequest) (number, bits int, _ *refusal) {
	number, bits = r.number(), r.size(n.limits.KeySize)
	if here.behaviour[OddSize] {
		bits = (bits + 7) / 8 * 8
	}
	switch {
	case bits%8 != 0:
		return 0, 0, bad(msgSize)
	case bits < n.limits.MinKeySize || bits > n.limits.MaxKeySize:
		return 0, 0, bad("size is not between min_key_size and max_key_size")
	case number < 1 || number > n.limits.MaxPerRequest:
		return 0, 0, bad("number is not between 1 and max_key_per_request")
	case len(slaves)-1 > n.limits.MaxAdditional:
		return 0, 0, bad("more additional_slave_SAE_IDs than max_SAE_ID_count")
	}
	for i, slave := range slaves {
		if _, known := n.home[slave]; !known {
			return 0, 0, bad("a slave SAE is not known")
		}
		if slices.Contains(slaves[:i], slave) {
			return 0, 0, bad("a slave SAE is given twice")
		}
	}
	return number, bits, r.unsupported()
}

// plan finds a route to each slave's KME, with enough in store for all.
func (n *Network) plan(at int, slaves []string, need int64, maxRelays int) (routes [][]*link, _ *refusal) {
	left := n.inStore()
	for _, slave := range slaves {
		links, ok := n.route(at, n.home[slave], need, left)
		if !ok {
			return nil, unavailable("not enough keys in store")
		}
		if len(links)-1 > maxRelays {
			return nil, bad(msgUnmet)
		}
		for _, l := range links {
			left[l] -= need
		}
		routes = append(routes, links)
	}
	return routes, nil
}

// issue carries a key to its slaves' KMEs, hop by hop.
func (n *Network) issue(at int, master string, slaves []string, routes [][]*link, key Key) {
	saw := []string{n.nodes[at].name}
	one := &issue{master: master, named: slaves, copies: map[string][]byte{}}
	for i, slave := range slaves {
		value, hop := key.Value, at
		for _, l := range routes[i] {
			value, hop = l.carry(value), l.other(hop)
			if name := n.nodes[hop].name; !slices.Contains(saw, name) {
				saw = append(saw, name)
			}
		}
		one.copies[slave] = value
	}
	n.waiting[key.ID] = one
	n.trace(key.ID, saw)
}

// dec answers Get key with key IDs (clause 5.4): all that are asked for, or
// none.
func (n *Network) dec(at int, slave, master string, ids []string) ([]Key, *refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	here := n.nodes[at]
	if !n.attached(at, slave) {
		return nil, unauthorized
	}
	if len(ids) < 1 || len(ids) > n.limits.MaxPerRequest {
		return nil, bad("the number of key IDs is not between 1 and max_key_per_request")
	}
	for _, id := range ids {
		one := n.waiting[id]
		if one != nil && !slices.Contains(one.named, slave) && !here.behaviour[AnySAE] {
			return nil, unauthorized
		}
	}
	var keys []Key
	for i, id := range ids {
		value := n.waiting[id].copyFor(master, slave, here.behaviour[AnySAE])
		if value == nil || slices.Contains(ids[:i], id) {
			return nil, bad(msgNotFound)
		}
		keys = append(keys, Key{id, value})
	}
	for _, id := range ids {
		if one := n.waiting[id]; !here.behaviour[ServeTwice] {
			delete(one.copies, slave)
			if len(one.copies) == 0 || here.behaviour[AnySAE] {
				delete(n.waiting, id)
			}
		}
	}
	if here.behaviour[WrongKeys] {
		keys[0].ID = here.uuid()
	}
	return here.spoil(keys), nil
}

// copyFor is the key as a slave may have it; nil: not found.
func (i *issue) copyFor(master, slave string, anySAE bool) []byte {
	if i == nil || i.master != master {
		return nil
	}
	if anySAE {
		for _, value := range i.copies {
			return value // all are the same
		}
	}
	return i.copies[slave]
}

func (n *Network) attached(at int, sae string) bool {
	home, known := n.home[sae]
	return known && home == at
}

func (n *Network) advance() {
	now := n.clock()
	for _, l := range n.links {
		l.advance(now)
	}
}

// uuid draws a random UUID (RFC 9562, version 4).
func (at *node) uuid() string {
	var b [16]byte
	_, _ = at.random.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

func (r keyRequest) number() int {
	if r.Number == nil {
		return 1
	}
	return *r.Number
}

func (r keyRequest) size(usual int) int {
	if r.Size == nil {
		return usual
	}
	return *r.Size
}

// unsupported names the mandatory extensions that no KME here knows.
func (r keyRequest) unsupported() *refusal {
	refused := bad(msgUnsupported)
	for _, object := range r.Mandatory {
		for name, value := range object {
			if _, err := strconv.ParseUint(string(value), 10, 16); name != MaxRelays || err != nil {
				refused.details = append(refused.details, map[string]string{"extension_mandatory_unsupported": name + " is not supported"})
			}
		}
	}
	if refused.details == nil {
		return nil
	}
	slices.SortFunc(refused.details, func(a, b map[string]string) int {
		return strings.Compare(a["extension_mandatory_unsupported"], b["extension_mandatory_unsupported"])
	})
	return refused
}

// maxRelays is the least that a mandatory extension allows.
func (r keyRequest) maxRelays() int {
	least := 1 << 16
	for _, object := range r.Mandatory {
		if value, given := object[MaxRelays]; given {
			if n, err := strconv.Atoi(string(value)); err == nil {
				least = min(least, n)
			}
		}
	}
	return least
}
