package rotate

import "errors"

// Kind says which message of the exchange a message is.
type Kind uint8

// The kinds, in the order of a rotation. Init, Confirm come from the
// initiator; Reply, Commit and Nudge from the responder.
const (
	Init    Kind = iota + 1 // asks for an epoch
	Reply                   // the responder's half of the key
	Confirm                 // proves that the initiator has the key
	Commit                  // the responder has installed it in these lanes
	Nudge                   // the responder says its epoch and asks for the next
)

// Exchange names one run of the exchange. Different Init messages have
// different names (a hash of the Init, or its nonce).
type Exchange [16]byte

// Header is what can be read of a message without any key. Nothing in it is
// authenticated.
type Header struct {
	Kind     Kind
	Epoch    uint64
	Exchange Exchange
}

// ErrForeign is what a Crypto wraps when a message is well formed but not
// between the two ends of this pair.
var ErrForeign = errors.New("message is not of this pair")

// Secret is a key. The machine never looks into one.
type Secret interface {
	Zero() // overwrites it
}

// Offer is a lane that an exchange is to key. With a QKD key's name the lane's
// key needs that QKD key as well.
type Offer struct {
	Lane Lane
	QKD  string // key_ID (ETSI GS QKD 014), or empty
}

// Crypto makes and reads the messages of one pair. Package hybrid is behind
// the real one. All methods are instant and do no I/O.
type Crypto interface {
	// Peek reads a message's header.
	Peek(msg []byte) (Header, error)
	// Initiate starts an exchange and returns its Init.
	Initiate(epoch uint64, offers []Offer) (Initiator, []byte, error)
	// Respond takes an Init, which proves nothing yet, and returns the Reply.
	Respond(init []byte) (Responder, []byte, error)
	// Nudge states this end's persisted epoch, signed.
	Nudge(epoch uint64) ([]byte, error)
	// Nudged verifies a Nudge and returns the peer's persisted epoch.
	Nudged(msg []byte) (uint64, error)
}

// Initiator is the secret state of an exchange at the end that began it. A
// method that fails leaves it as it was: anybody can send a wrong message.
type Initiator interface {
	// Confirm verifies the Reply and returns the Confirm, which may prove that
	// this end has the QKD keys that were offered: there is one for each.
	Confirm(reply []byte, qkd []QKDKey) ([]byte, error)
	// Committed verifies the Commit and returns the lanes in it.
	Committed(commit []byte) ([]Lane, error)
	// Key derives a lane's key. The QKD key is nil for a lane offered without.
	Key(lane Lane, qkd Secret) (Secret, error)
	Erase()
}

// Responder is the secret state at the other end. A method that fails leaves
// it as it was.
type Responder interface {
	// Confirmed verifies the Confirm and returns the offers, which are only
	// now known to be the initiator's.
	Confirmed(confirm []byte) ([]Offer, error)
	// Commit returns the Commit that names the lanes keyed here.
	Commit(lanes []Lane) ([]byte, error)
	// Key derives a lane's key, as at the initiator. It fails where the QKD key
	// is known not to be the initiator's.
	Key(lane Lane, qkd Secret) (Secret, error)
	Erase()
}
