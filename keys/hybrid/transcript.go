package hybrid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// protocol begins every hashed input: another version shares none.
const protocol = "keiro key epochs v1"

// transcript is SHA-256 over labelled fields, each with the lengths of label
// and value before them, so that no two lists of fields are the same bytes.
type transcript struct{ h hash.Hash }

// frame begins a transcript of the given kind.
func frame(kind string) *transcript {
	return (&transcript{sha256.New()}).add(protocol, []byte(kind))
}

// add absorbs a field.
func (t *transcript) add(label string, value []byte) *transcript {
	var n [4]byte
	binary.BigEndian.PutUint16(n[:], uint16(len(label)))
	t.h.Write(n[:2])
	t.h.Write([]byte(label))
	binary.BigEndian.PutUint32(n[:], uint32(len(value)))
	t.h.Write(n[:])
	t.h.Write(value)
	return t
}

func (t *transcript) addUint(label string, v uint64) *transcript {
	return t.add(label, binary.BigEndian.AppendUint64(nil, v))
}

// sum is the hash so far; more fields may follow.
func (t *transcript) sum() (d Digest) {
	t.h.Sum(d[:0])
	return d
}

// fork is a transcript that goes on from here on its own.
func (t *transcript) fork() *transcript {
	h, err := t.h.(hash.Cloner).Clone()
	if err != nil {
		panic(err) // SHA-256 of the standard library can be cloned
	}
	return &transcript{h}
}

// addInit absorbs every field of the first message.
func (t *transcript) addInit(m *Init) {
	t.add("exchange", m.ID[:])
	t.add("suite", []byte{byte(m.Suite)})
	t.addUint("epoch", m.Epoch)
	t.addEnd("initiator", m.From)
	t.addEnd("responder", m.To)
	t.add("initiator nonce", m.Nonce[:])
	t.add("encapsulation key", m.Key)
	t.addUint("lanes", uint64(len(m.Lanes)))
	for _, l := range m.Lanes {
		t.addLane(l)
	}
}

func (t *transcript) addEnd(role string, e End) *transcript {
	return t.add(role+" node", []byte(e.Node)).add(role+" identity", e.Identity[:])
}

func (t *transcript) addLane(l Lane) *transcript {
	return t.add("intent", []byte(l.Intent)).addUint("lane", uint64(l.Index)).add("QKD key", []byte(l.KeyID))
}

// addReply absorbs what the responder adds to the epoch's key.
func (t *transcript) addReply(m *Reply) {
	t.add("responder nonce", m.Nonce[:])
	t.add("ciphertext", m.Ciphertext)
}

func (t *transcript) addChecks(checks []Digest) {
	t.addUint("checks", uint64(len(checks)))
	for _, c := range checks {
		t.add("check", c[:])
	}
}

// mac is HMAC-SHA-256 (RFC 2104).
func mac(key []byte, d Digest) (m Digest) {
	h := hmac.New(sha256.New, key)
	h.Write(d[:])
	h.Sum(m[:0])
	return m
}
