package kme

import (
	"fmt"
	"slices"
	"strings"
)

// Misbehaviour is a way in which a KME breaks the standard. Each was seen in
// some KME, or is what one that was broken into would do.
type Misbehaviour string

// The misbehaviours.
const (
	OddSize       Misbehaviour = "odd-size"       // takes a size that is no multiple of 8, and serves whole bytes
	ServeTwice    Misbehaviour = "serve-twice"    // enc_keys serves the container before again, dec_keys keeps its keys
	Hang          Misbehaviour = "hang"           // deletes the keys and does not answer
	Break         Misbehaviour = "break"          // deletes the keys and closes the connection
	AnySAE        Misbehaviour = "any-sae"        // dec_keys serves SAEs that were not named
	WrongKeys     Misbehaviour = "wrong-keys"     // dec_keys serves keys with other ids than asked for
	Empty         Misbehaviour = "empty"          // has no key, ever, whatever status says
	Garbage       Misbehaviour = "garbage"        // answers 200 with half of the JSON
	Oversized     Misbehaviour = "oversized"      // answers with megabytes
	ShortKey      Misbehaviour = "short-key"      // serves a key one byte short
	LongKey       Misbehaviour = "long-key"       // serves a key one byte long
	OneMore       Misbehaviour = "one-more"       // serves one key more than asked for
	OneLess       Misbehaviour = "one-less"       // serves one key less
	StuckSource   Misbehaviour = "stuck-source"   // serves one key under many ids
	OtherStatus   Misbehaviour = "other-status"   // answers 418 where 400 is due
	ForeignStatus Misbehaviour = "foreign-status" // tells the status of other SAEs
)

// Misbehaviours are all of them.
var Misbehaviours = []Misbehaviour{
	OddSize, ServeTwice, Hang, Break, AnySAE, WrongKeys, Empty, Garbage, Oversized, ShortKey, LongKey,
	OneMore, OneLess, StuckSource, OtherStatus, ForeignStatus,
}

// Misbehave makes a KME behave in these ways from now on, and in no other;
// with none it obeys the standard again.
func (n *Network) Misbehave(kme string, how ...Misbehaviour) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := n.find(kme)
	if i < 0 {
		return fmt.Errorf("kme: no KME %q", kme)
	}
	set := map[Misbehaviour]bool{}
	for _, m := range how {
		if !slices.Contains(Misbehaviours, m) {
			return fmt.Errorf("kme: no misbehaviour %q: want one of %v", m, Misbehaviours)
		}
		set[m] = true
	}
	n.nodes[i].behaviour, n.nodes[i].last, n.nodes[i].stuck = set, map[string][]Key{}, nil
	return nil
}

// again is the container before, for ServeTwice.
func (at *node) again(slave string, keys []Key) []Key {
	if !at.behaviour[ServeTwice] {
		return keys
	}
	if last := at.last[slave]; len(last) == len(keys) {
		return last
	}
	at.last[slave] = keys
	return keys
}

// spoil changes the keys of an answer.
func (at *node) spoil(keys []Key) []Key {
	keys = slices.Clone(keys)
	for i := range keys {
		key := &keys[i]
		switch value := slices.Clone(key.Value); {
		case at.behaviour[ShortKey]:
			key.Value = value[1:]
		case at.behaviour[LongKey]:
			key.Value = append(value, 0)
		case at.behaviour[StuckSource]:
			if at.stuck == nil {
				at.stuck = value
			}
			key.Value = at.stuck
		}
	}
	if at.behaviour[OneMore] {
		keys = append(keys, Key{at.uuid(), slices.Clone(keys[0].Value)})
	}
	if at.behaviour[OneLess] {
		keys = keys[:len(keys)-1]
	}
	return keys
}

// body changes the bytes of an answer with keys.
func (at *node) body(answer []byte) []byte {
	switch {
	case at.behaviour[Garbage]:
		return answer[:len(answer)/2]
	case at.behaviour[Oversized]:
		return append(answer, strings.Repeat(" ", 4<<20)...)
	}
	return answer
}
