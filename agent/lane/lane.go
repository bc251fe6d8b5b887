// Package lane keeps WireGuard interfaces with one peer each: the lanes that
// ride on the paths of an encrypted intent. It drives the kernel's WireGuard
// where there is one, else wireguard-go in a process of its own (package
// helper), which lives on when the agent is restarted or replaced. It never
// invents a key that could be guessed, never gives a secret back and knows
// nothing of paths, epochs or addresses. The kernel's answers to a question for
// the status have the keys in them: what is ours of these is overwritten,
// netlink's buffers are not. Package agent calls it.
package lane

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/keys/secret"
)

// PublicKey is a WireGuard public key, X25519.
type PublicKey [32]byte

// String is the key as wg(8) prints it.
func (k PublicKey) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// Config is what a lane's interface must be. It has exactly one peer, whose
// allowed addresses are all: what may enter is the routing table's business.
type Config struct {
	Private secret.Key // WireGuard's static private key
	Port    uint16     // where it listens
	Peer    Peer
}

// Peer is the far end of a lane.
type Peer struct {
	Public   PublicKey
	Endpoint netip.AddrPort
	// Preshared counts only while the peer is made; SetPreshared changes it.
	Preshared secret.Key
	// Keepalive is sent when nothing else was, whole seconds; 0: never.
	Keepalive time.Duration
}

func (c *Config) validate() error {
	switch {
	case !usable(c.Private):
		return errors.New("no private key")
	case c.Port == 0:
		return errors.New("no port")
	case c.Peer.Public == PublicKey{}:
		return errors.New("no public key of the peer")
	case !c.Peer.Endpoint.IsValid() || c.Peer.Endpoint.Port() == 0:
		return fmt.Errorf("endpoint %q of the peer is no address and port", c.Peer.Endpoint)
	case !usable(c.Peer.Preshared):
		// Without one WireGuard would agree with anybody who knows the static
		// keys, quantum computers included.
		return errors.New("no preshared key")
	case c.Peer.Keepalive%time.Second != 0 || c.Peer.Keepalive < 0 || c.Peer.Keepalive > 65535*time.Second:
		return fmt.Errorf("keepalive %s is not 0 to 65535 whole seconds", c.Peer.Keepalive)
	}
	return nil
}

// usable: to WireGuard a key of zeros is none.
func usable(k secret.Key) bool {
	return k.Present() && [secret.Size]byte(k.Bytes()) != [secret.Size]byte{}
}

// Status is what an interface says of itself. It holds no secret.
type Status struct {
	Public    PublicKey // of its own private key; zero: none
	Port      uint16
	Peer      PublicKey // zero: none
	Endpoint  netip.AddrPort
	Keepalive time.Duration
	// Handshake is when the session in use began; zero: there was none.
	Handshake          time.Time
	Received, Sent     uint64 // bytes of encrypted packets
	moreThanOne, other bool   // peers; allowed addresses that are not ours
}

// Device is the interface of one lane. Its methods may be called by one
// goroutine at a time.
type Device interface {
	// Set makes the interface so. What is so already is not touched, so that
	// a session lives on.
	Set(Config) error
	// SetPreshared gives the peer a key. A session goes on with the one it
	// was made with; the next handshake needs this one at both ends.
	SetPreshared(PublicKey, secret.Key) error
	// Handshake makes a new session now, while the old one carries on, or
	// says ErrNotAtWill. WireGuard begins at most one in five seconds.
	Handshake() error
	// Silence takes the peer away: from here on nothing is sent or accepted.
	Silence() error
	Status() (Status, error)
	// Lost is closed when the process behind the interface is gone, and with
	// it the interface, or when Close was called. A Device of the kernel is
	// never lost that way.
	Lost() <-chan struct{}
	// Close lets go of the interface, which stays.
	Close() error
}

var (
	// ErrNotAtWill says that only WireGuard itself begins handshakes: the
	// kernel has no verb for it. It does every 120 s while there is traffic.
	ErrNotAtWill = errors.New("this WireGuard begins handshakes only by itself")
	// ErrNoPeer says that a key is for a peer that the interface has not.
	ErrNoPeer = errors.New("the interface has no such peer")
	// ErrLost says that there is no such interface, or that the connection to
	// the process behind it has ended. One that only does not answer is not lost.
	ErrLost = errors.New("the interface is gone, or the process behind it")
)

// Answer is yes, no or cannot tell.
type Answer uint8

// The three answers.
const (
	CannotTell Answer = iota
	No
	Yes
)

func (a Answer) String() string { return [...]string{"cannot tell", "no", "yes"}[a] }

// change is what makes an interface as a Config wants it.
type change struct {
	private, port, peer, endpoint, keepalive bool
}

// changes compares. A peer that is not ours alone is made anew.
func (c *Config) changes(have Status, own PublicKey) change {
	anew := have.Peer != c.Peer.Public || have.moreThanOne || have.other
	return change{
		private:   have.Public != own,
		port:      have.Port != c.Port,
		peer:      anew,
		endpoint:  anew || have.Endpoint != c.Peer.Endpoint,
		keepalive: anew || have.Keepalive != c.Peer.Keepalive,
	}
}

// Wrong says what of an interface is not as it must be, of which the public
// key is own; "" nothing. Of preshared keys an interface says nothing.
func (c *Config) Wrong(have Status, own PublicKey) string {
	do := c.changes(have, own)
	switch {
	case have.Peer == PublicKey{}:
		return "peer"
	case have.moreThanOne:
		return "peers"
	case have.other:
		return "allowed-ips"
	case do.peer:
		return "public key of the peer"
	case do.private:
		return "private key"
	case do.port:
		return "listen-port"
	case do.endpoint:
		return "endpoint"
	case do.keepalive:
		return "persistent-keepalive"
	}
	return ""
}

// PublicOf is the public key of a private one.
func PublicOf(private secret.Key) (PublicKey, error) { return publicOf(private) }

func (c change) none() bool { return c == change{} }
