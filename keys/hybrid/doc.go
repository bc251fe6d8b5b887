// Package hybrid agrees on the secrets of one epoch between two agents: an
// exchange of four messages, authenticated by Ed25519 and ML-DSA-65 both, over
// a key encapsulation that combines X25519 and ML-KEM, from which one preshared
// key for every lane of the pair is derived; a lane with a QKD key mixes it in.
// The specification, with every byte and what is not claimed, is
// docs/key-epochs.md.
//
//	Initiate -> Init -> Respond -> Reply -> Finish -> Confirm -> Accept -> Commit -> Commit
//
// The package is pure: randomness is an argument and the same randomness gives
// the same bytes. It never sends, chunks (package datagram does), waits, retransmits, persists or
// decides which epoch is next: keys/rotate decides that and the agent's shell
// acts. It implements no primitive: those are circl's and the standard library's.
//
// A message that is refused changes nothing: the right one may still come.
// Every refusal is an error that wraps a Refusal, whose text names a counter.
package hybrid

import "errors"

// Refusal is why a message, an identity or a call was refused.
type Refusal string

func (r Refusal) Error() string { return "hybrid: " + string(r) }

// The refusals. Those of a peer's message are worth a counter each.
const (
	ErrMalformed Refusal = "malformed message"            // truncated, trailing bytes, out of bounds, not canonical
	ErrVersion   Refusal = "unknown version"              // of the wire format
	ErrSuite     Refusal = "wrong suite"                  // not the one that this pair uses: never negotiated
	ErrPeer      Refusal = "not a message of this pair"   // another node's name
	ErrRole      Refusal = "wrong role"                   // reflected, or the initiator's and the responder's end confused
	ErrIdentity  Refusal = "identity of another fleet"    // not the fingerprint that the certificate binds
	ErrExchange  Refusal = "message of another exchange"  // its identifier differs
	ErrEpoch     Refusal = "epoch not after the last one" // replayed, or the peer lost its disk
	ErrLanes     Refusal = "wrong lanes"                  // unsorted, twice, too many, or answered otherwise than asked
	ErrKEM       Refusal = "bad key or ciphertext"
	ErrSignature Refusal = "wrong signature"
	ErrMAC       Refusal = "wrong MAC"
	ErrQKD       Refusal = "QKD key missing or not asked for" // of a lane
	ErrMismatch  Refusal = "QKD keys of the two ends differ"  // somebody's KME lies
	ErrSpent     Refusal = "exchange is over"                 // replayed into a finished exchange, or its secrets were erased
	ErrUnbound   Refusal = "certificate binds no identity"
)

// Reason is the refusal that err wraps; none is "".
func Reason(err error) Refusal {
	var r Refusal
	errors.As(err, &r)
	return r
}
