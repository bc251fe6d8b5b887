package hybrid

import (
	"crypto/sha256"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
)

// Bounds of what a message may hold. Initiate and Decode refuse more.
const (
	MaxLanes    = 256       // of one pair
	MaxName     = 63        // bytes of a node's or an intent's name
	MaxKeyID    = 64        // bytes of a QKD key's name; a UUID has 36
	MaxEpoch    = 1<<48 - 1 // so that the one after is a number too
	NonceSize   = 32
	maxKEMBytes = 2048 // of a key or a ciphertext; the largest in use has 1,600
)

// Digest is a hash or a MAC.
type Digest [sha256.Size]byte

// ID names an exchange. The initiator draws it, so an answer that carries it
// comes from somebody who saw the question.
type ID [16]byte

// Kind of a message.
type Kind uint8

// The kinds.
const (
	KindInit    Kind = 1
	KindReply   Kind = 2
	KindConfirm Kind = 3
	KindCommit  Kind = 4
	KindNudge   Kind = 5
)

// Header begins every message. Nothing in it is proven before the message is.
type Header struct {
	ID    ID
	Epoch uint64
}

// Message is one of Init, Reply, Confirm, Commit and Nudge, as a pointer.
type Message interface {
	Kind() Kind
	Head() Header
}

// Head of the message.
func (h Header) Head() Header { return h }

// End is a node in its role in a message.
type End struct {
	Node     string
	Identity Fingerprint
}

// Lane is what a key is for. Of lanes without QKD the KeyID is empty.
type Lane struct {
	Intent string
	Index  uint32
	KeyID  string // of the QKD key that the initiator's KME gave (ETSI GS QKD 014)
}

// Init is the first message, initiator to responder. It proves nothing.
type Init struct {
	Header
	Suite    kem.Suite
	From, To End
	Nonce    [NonceSize]byte
	Key      []byte // encapsulation key
	Lanes    []Lane // ascending by intent and index
}

// Reply is the second, responder to initiator: it proves who the responder is
// and that it has the epoch's key.
type Reply struct {
	Header
	Nonce      [NonceSize]byte
	Ciphertext []byte
	Signature  []byte
	MAC        Digest
}

// Confirm is the third: it proves the same of the initiator, and for each lane
// with a QKD key, in order, that the initiator has that key too.
type Confirm struct {
	Header
	Checks    []Digest
	Signature []byte
	MAC       Digest
}

// Commit is the last: the lanes that the responder has keyed. The others keep
// what they have.
type Commit struct {
	Header
	Taken []bool // by lane of the Init
	MAC   Digest
}

// Nudge is the responder's last epoch, signed, and the wish for the next: the
// answer to an Init whose epoch is not after it, and how a responder starts.
// A replayed one tells the initiator nothing new.
type Nudge struct {
	Header
	From, To  End // From is the responder
	Signature []byte
}

// Kind is KindInit.
func (*Init) Kind() Kind { return KindInit }

// Kind is KindReply.
func (*Reply) Kind() Kind { return KindReply }

// Kind is KindConfirm.
func (*Confirm) Kind() Kind { return KindConfirm }

// Kind is KindCommit.
func (*Commit) Kind() Kind { return KindCommit }

// Kind is KindNudge.
func (*Nudge) Kind() Kind { return KindNudge }
