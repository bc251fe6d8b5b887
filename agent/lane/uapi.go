package lane

import (
	"bufio"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/keiro-net/keiro/keys/secret"
)

// The helper speaks WireGuard's cross-platform configuration protocol: lines
// key=value, a block ends with an empty line. Two verbs are ours: handshake,
// and an answer to get that has own_public_key in place of private_key and no
// preshared_key, so that secrets travel one way only.

// Bounds of a block, from either side.
const (
	maxLines = 64
	maxLine  = 256
)

// ReadBlock reads lines up to an empty one. An io.EOF is one before the first.
func ReadBlock(r *bufio.Reader) ([][2]string, error) {
	var block [][2]string
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull) || len(line) > maxLine:
			return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
		case errors.Is(err, io.EOF) && (len(line) > 0 || len(block) > 0):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		if len(line) == 1 {
			return block, nil
		}
		// The line is not part of the error: it may hold a secret.
		key, value, ok := strings.Cut(string(line[:len(line)-1]), "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("line %d is not key=value", len(block)+1)
		}
		if len(block) == maxLines {
			return nil, fmt.Errorf("more than %d lines", maxLines)
		}
		block = append(block, [2]string{key, value})
	}
}

// parseStatus reads the answer to get.
func parseStatus(block [][2]string) (Status, error) {
	var s Status
	peers, peer := 0, PublicKey{}
	allowed := map[string]bool{}
	var sec, nsec int64
	for _, line := range block {
		value, err := line[1], error(nil)
		switch line[0] {
		case "own_public_key":
			err = decodeKey(&s.Public, value)
		case "listen_port":
			s.Port, err = parseUint[uint16](value, 16)
		case "public_key":
			peers++
			err = decodeKey(&peer, value)
			s.Peer = peer
		case "endpoint":
			s.Endpoint, err = netip.ParseAddrPort(value)
		case "last_handshake_time_sec":
			sec, err = strconv.ParseInt(value, 10, 64)
		case "last_handshake_time_nsec":
			nsec, err = strconv.ParseInt(value, 10, 64)
		case "rx_bytes":
			s.Received, err = parseUint[uint64](value, 64)
		case "tx_bytes":
			s.Sent, err = parseUint[uint64](value, 64)
		case "persistent_keepalive_interval":
			var seconds uint16
			seconds, err = parseUint[uint16](value, 16)
			s.Keepalive = time.Duration(seconds) * time.Second
		case "allowed_ip":
			allowed[value] = true
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", line[0], err)
		}
	}
	if sec != 0 || nsec != 0 {
		s.Handshake = time.Unix(sec, nsec)
	}
	s.moreThanOne = peers > 1
	s.other = peers == 1 && (len(allowed) != 2 || !allowed["0.0.0.0/0"] || !allowed["::/0"])
	return s, nil
}

func parseUint[T uint16 | uint64](s string, bits int) (T, error) {
	n, err := strconv.ParseUint(s, 10, bits)
	return T(n), err
}

func decodeKey(k *PublicKey, s string) error {
	if len(s) != 2*len(k) {
		return fmt.Errorf("%d characters, a key has %d", len(s), 2*len(k))
	}
	_, err := hex.Decode(k[:], []byte(s))
	return err
}

// request is a block on its way to the helper, erased when it was sent.
type request struct{ b []byte }

func (r *request) line(key, value string) {
	r.b = append(append(append(append(r.b, key...), '='), value...), '\n')
}

func (r *request) secret(key string, k secret.Key) {
	r.b = append(append(r.b, key...), '=')
	r.b = append(hex.AppendEncode(r.b, k.Bytes()), '\n')
}

func (r *request) erase() { clear(r.b[:cap(r.b)]) }

// newRequest has room for the longest one, so that no copy with a secret is
// left behind by growing.
func newRequest(verb string) *request {
	r := &request{make([]byte, 0, 2048)}
	r.line(verb, "1")
	return r
}

// setRequest is what leads to a Config.
func setRequest(c *Config, do change) *request {
	r := newRequest("set")
	if do.private {
		r.secret("private_key", c.Private)
	}
	if do.port {
		r.line("listen_port", strconv.Itoa(int(c.Port)))
	}
	if do.peer {
		r.line("replace_peers", "true")
	}
	if !do.peer && !do.endpoint && !do.keepalive {
		return r
	}
	r.line("public_key", hex.EncodeToString(c.Peer.Public[:]))
	if do.peer {
		// Before all else of the peer: it may begin to speak at any line.
		r.secret("preshared_key", c.Peer.Preshared)
	} else {
		r.line("update_only", "true")
	}
	if do.endpoint {
		r.line("endpoint", c.Peer.Endpoint.String())
	}
	if do.peer {
		r.line("allowed_ip", "0.0.0.0/0")
		r.line("allowed_ip", "::/0")
	}
	if do.keepalive {
		r.line("persistent_keepalive_interval", strconv.Itoa(int(c.Peer.Keepalive/time.Second)))
	}
	return r
}

// publicOf is the public key of a private one.
func publicOf(private secret.Key) (PublicKey, error) {
	k, err := ecdh.X25519().NewPrivateKey(private.Bytes())
	if err != nil {
		return PublicKey{}, errors.New("not an X25519 private key")
	}
	return PublicKey(k.PublicKey().Bytes()), nil
}
