package hybrid

import (
	"cmp"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/keiro-net/keiro/keys/secret"
)

func compareLanes(a, b Lane) int {
	return cmp.Or(cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.Index, b.Index))
}

// checkLanes wants the lanes of a message ascending, each once, and each QKD
// key for one lane.
func checkLanes(lanes []Lane) error {
	if len(lanes) > MaxLanes {
		return fmt.Errorf("%w: %d, at most %d", ErrLanes, len(lanes), MaxLanes)
	}
	used := map[string]bool{"": false}
	for i, l := range lanes {
		if !isText(l.Intent, 1, MaxName) || !isText(l.KeyID, 0, MaxKeyID) {
			return fmt.Errorf("%w: bad name in %+q", ErrLanes, []string{l.Intent, l.KeyID})
		}
		if i > 0 && compareLanes(lanes[i-1], l) >= 0 {
			return fmt.Errorf("%w: %s/%d is not after the one before", ErrLanes, l.Intent, l.Index)
		}
		if used[l.KeyID] {
			return fmt.Errorf("%w: QKD key %s for two lanes", ErrLanes, l.KeyID)
		}
		used[l.KeyID] = l.KeyID != ""
	}
	return nil
}

// epochKey is what both ends have of one epoch, until it is fanned out.
type epochKey struct {
	key   secret.Key // HKDF-Extract (RFC 5869 section 2.2) of the shared secret
	salt  Digest     // the transcript up to the ciphertext
	epoch uint64
	lanes []Lane
}

// newEpochKey erases the shared secret.
func newEpochKey(shared []byte, salt Digest, epoch uint64, lanes []Lane) (epochKey, error) {
	key, err := extract(shared, salt)
	return epochKey{key, salt, epoch, lanes}, err
}

// extract erases its input.
func extract(input []byte, salt Digest) (secret.Key, error) {
	prk, err := hkdf.Extract(sha256.New, input, salt[:])
	defer wipe(prk, input)
	if err != nil {
		return secret.Key{}, err
	}
	return secret.New(prk)
}

// expand derives a key for one purpose. The info of HKDF is a hash of framed
// fields, so no two purposes share one.
func expand(from secret.Key, info Digest) (secret.Key, error) {
	if !from.Present() {
		return secret.Key{}, ErrSpent
	}
	okm, err := hkdf.Expand(sha256.New, from.Bytes(), string(info[:]), secret.Size)
	defer wipe(okm)
	if err != nil {
		return secret.Key{}, err
	}
	return secret.New(okm)
}

// mac is the MAC with which a role proves, over the transcript so far, that it
// has the epoch's key.
func (k *epochKey) mac(role string, over Digest) (Digest, error) {
	key, err := expand(k.key, frame(role+" MAC").sum())
	if err != nil {
		return Digest{}, err
	}
	defer key.Zero()
	return mac(key.Bytes(), over), nil
}

func (k *epochKey) info(purpose string, l Lane) Digest {
	return frame(purpose).addLane(l).addUint("epoch", k.epoch).sum()
}

// lane finds the lane as the exchange has it.
func (k *epochKey) lane(intent string, index uint32) (int, error) {
	i, found := slices.BinarySearchFunc(k.lanes, Lane{Intent: intent, Index: index}, compareLanes)
	if !found {
		return 0, fmt.Errorf("%w: %s/%d is not in the exchange", ErrLanes, intent, index)
	}
	return i, nil
}

// derive gives a lane's preshared key and, for a lane with a QKD key, what
// shows the other end that this one has the same. With a QKD key both it and
// the exchange's secret go, each after its length, into one more extraction:
// who lacks either lacks the result.
func (k *epochKey) derive(l Lane, qkd secret.Key) (psk secret.Key, check Digest, err error) {
	if (l.KeyID != "") != qkd.Present() {
		return secret.Key{}, Digest{}, fmt.Errorf("%w: %s/%d", ErrQKD, l.Intent, l.Index)
	}
	if l.KeyID == "" {
		psk, err = expand(k.key, k.info("lane key", l))
		return psk, Digest{}, err
	}
	part, err := expand(k.key, k.info("lane secret to mix with QKD", l))
	if err != nil {
		return secret.Key{}, Digest{}, err
	}
	defer part.Zero()
	mixed, err := extract(appendSecret(appendSecret(make([]byte, 0, 2*(4+secret.Size)), part), qkd), k.salt)
	if err != nil {
		return secret.Key{}, Digest{}, err
	}
	defer mixed.Zero()
	shown, err := expand(mixed, k.info("lane check", l))
	if err != nil {
		return secret.Key{}, Digest{}, err
	}
	psk, err = expand(mixed, k.info("lane key", l))
	return psk, Digest(shown.Bytes()), err
}

// checks are those of the lanes with a QKD key, which are given by name.
func (k *epochKey) checks(qkd map[string]secret.Key) (checks []Digest, err error) {
	for _, l := range k.lanes {
		if l.KeyID == "" {
			continue
		}
		psk, check, err := k.derive(l, qkd[l.KeyID])
		if err != nil {
			return nil, err
		}
		psk.Zero()
		checks = append(checks, check)
	}
	return checks, nil
}

// appendSecret puts the length before the secret. The caller's slice has room.
func appendSecret(b []byte, k secret.Key) []byte {
	return append(binary.BigEndian.AppendUint32(b, secret.Size), k.Bytes()...)
}
