package qkd

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"
)

// maxSeen bounds what is remembered: 32 bytes for each key, and as much again for
// the maps. At one key in three seconds it reaches back for a day.
const maxSeen = 1 << 15

// seen remembers the last keys, by id and by a fingerprint of the key itself,
// which a KME with a stuck random source serves under many ids. The
// fingerprint is keyed and tells nothing of the key.
type seen struct {
	mu      sync.Mutex
	salt    [32]byte
	ids     memory[ID]
	secrets memory[fingerprint]
}

type fingerprint [16]byte

func newSeen(limit int) *seen {
	s := &seen{ids: newMemory[ID](limit), secrets: newMemory[fingerprint](limit)}
	_, _ = rand.Read(s.salt[:]) // never fails
	return s
}

func (s *seen) fingerprint(k Key) (f fingerprint) {
	mac := hmac.New(sha256.New, s.salt[:])
	mac.Write(k.Secret.Bytes())
	copy(f[:], mac.Sum(nil))
	return f
}

// reserve takes ids before they are asked for, all or none, and says which is
// not new. Of two who ask for one at once the second gets nothing.
func (s *seen) reserve(ids []ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, known := s.ids.add(ids); known {
		return fmt.Sprintf("the key %v was asked for or handed out before", id)
	}
	return ""
}

// release gives back ids of which the KME has handed out no key.
func (s *seen) release(ids []ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids.remove(ids)
}

// add takes keys with their ids, all or none, and says what is not new.
func (s *seen) add(keys []Key) string {
	ids := make([]ID, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	if why := s.reserve(ids); why != "" {
		return why
	}
	return s.addSecrets(keys)
}

// addSecrets is add for keys whose ids are reserved.
func (s *seen) addSecrets(keys []Key) string {
	prints := make([]fingerprint, len(keys))
	for i, k := range keys {
		prints[i] = s.fingerprint(k)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.secrets.add(prints); known {
		return "a key came before, under another id"
	}
	return ""
}

// memory is a set that forgets its oldest members.
type memory[T comparable] struct {
	limit   int
	members map[T]uint64 // when it came
	order   []T          // a ring; a member taken out may still be in it
	came    uint64
}

func newMemory[T comparable](limit int) memory[T] {
	return memory[T]{limit: limit, members: make(map[T]uint64)}
}

// add takes all of them, or none and returns the first that is there or twice.
func (m *memory[T]) add(members []T) (known T, yes bool) {
	for i, t := range members {
		if _, there := m.members[t]; there {
			m.remove(members[:i])
			return t, true
		}
		m.came++
		m.members[t] = m.came
		if len(m.order) < m.limit {
			m.order = append(m.order, t)
			continue
		}
		at := int((m.came - 1) % uint64(m.limit))
		if old := m.order[at]; m.members[old]+uint64(m.limit) == m.came {
			delete(m.members, old)
		}
		m.order[at] = t
	}
	return known, false
}

func (m *memory[T]) remove(members []T) {
	for _, t := range members {
		delete(m.members, t)
	}
}
