// Package peer decides whether the agent at the other end of a lane is who the
// controller says: by what the fleet's own authority has signed, and by nothing
// else. It does no I/O, keeps nothing and never sees a secret. Package
// agent/keying calls it with every Config, before a key is agreed with anybody.
package peer

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// Peer is an agent that is who it should be.
type Peer struct {
	Node      string
	Identity  *hybrid.Public
	WireGuard [32]byte // static public key, X25519; as the controller says: see nodecfg.Peer
}

// Verify returns the peers of a Config by node, and for each one that is
// refused an error for the Report; such a peer must key nothing. authority is
// whom the agent is enrolled with; without one (nil) every peer is refused.
//
// It takes some 0.5 ms a peer, so the caller keeps the answer until Peers or
// the authority change.
func Verify(authority *x509.Certificate, peers []nodecfg.Peer) (map[string]Peer, []nodecfg.ObjectError) {
	good := make(map[string]Peer, len(peers))
	var refused []nodecfg.ObjectError
	for _, p := range peers {
		v, err := verify(authority, p)
		if err != nil {
			refused = append(refused, nodecfg.ObjectError{Object: "peer " + p.Node, Error: "its lanes get no key: " + err.Error()})
			continue
		}
		good[p.Node] = v
	}
	return good, refused
}

// verify checks the chain, the name and the binding. Not whether the
// certificate has expired: the controller keeps an agent whose certificate
// did out, and one that was revoked it takes out of Peers, but when it is away
// itself, so that nothing is renewed, the lanes go on as they are. A clock
// that is wrong does not stop them either.
func verify(authority *x509.Certificate, p nodecfg.Peer) (Peer, error) {
	if authority == nil {
		return Peer{}, errors.New("this node is not enrolled, so it believes nobody")
	}
	cert, err := x509.ParseCertificate(p.Certificate)
	if err != nil {
		return Peer{}, fmt.Errorf("its certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	_, err = cert.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Peer{}, fmt.Errorf("its certificate is not of this fleet's authority: %w", err)
	}
	if node, err := rpc.Node(cert); err != nil || node != p.Node {
		return Peer{}, fmt.Errorf("the certificate is %.100q's", cert.Subject.CommonName)
	}
	identity, err := hybrid.ParsePublic(p.Identity)
	if err != nil {
		return Peer{}, err
	}
	if err := hybrid.CheckBinding(cert, identity); err != nil {
		return Peer{}, err
	}
	v := Peer{Node: p.Node, Identity: identity}
	if len(p.WireGuard) != len(v.WireGuard) || [32]byte(p.WireGuard) == [32]byte{} {
		return Peer{}, errors.New("it has no WireGuard key")
	}
	copy(v.WireGuard[:], p.WireGuard)
	return v, nil
}
